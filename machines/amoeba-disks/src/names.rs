//! The name space: a tree of directories that will be made, with names that lead to others and to objects.

use proto::capability::Rights;
use proto::capability_set::CapabilitySet;
use proto::soap::{Masks, USUAL_COLUMNS};
use soap::make::{NewDirectory, NewRow, Target};
use thiserror::Error;

/// Rights for owner, group and others on what they find: on a directory each has their own column.
pub(crate) const DIRECTORY: [u8; 3] = [0xff, 0x02, 0x04];
/// On a file all but the owner read.
pub(crate) const FILE: [u8; 3] = [0xff, 0x02, 0x02];
/// On a server all but the owner use what is no administration.
pub(crate) const SERVER: [u8; 3] = [0xff, 0x0f, 0x0f];

/// Directories that every system has.
const STANDARD: &[&str] = &[
    "/dev/dead",
    "/home",
    "/profile",
    "/super/admin/bin",
    "/super/admin/bootinfo",
    "/super/admin/kernel",
    "/super/admin/module",
    "/super/admin/tftpboot",
    "/super/cap",
    "/super/group",
    "/super/hosts",
    "/super/module",
    "/super/pools/default/i80386",
    "/super/unixroot/bin",
    "/super/unixroot/etc",
    "/super/users",
    "/super/util",
];

/// Kinds of servers whose default has a name in `/super/cap`.
const SERVERS: &[&str] = &[
    "boot", "bullet", "fifo", "om", "random", "run", "sak", "soap", "tape", "tod", "x11",
];

/// Names that lead to directories of the above.
const LINKS: &[(&str, &str)] = &[
    ("/bin", "/super/unixroot/bin"),
    ("/etc", "/super/unixroot/etc"),
    ("/profile/cap", "/super/cap"),
    ("/profile/group", "/super/group"),
    ("/profile/hosts", "/super/hosts"),
    ("/profile/module", "/super/module"),
    ("/profile/pool", "/super/pools/default"),
    ("/profile/util", "/super/util"),
];

/// Why a name cannot be entered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NameError {
    #[error("`{0}` is no path: it begins with a slash, and each name in it has 1 to 255 bytes")]
    Path(String),
    #[error("`{0}` is there already")]
    Exists(String),
    #[error("`{0}` is not there")]
    Missing(String),
    #[error("`{0}` is no directory")]
    NoDirectory(String),
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A directory, by its place in the list.
    Directory(usize),
    /// An object.
    Object(CapabilitySet),
}

/// The tree. The first directory is the root.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) directories: Vec<NewDirectory>,
}

fn empty() -> NewDirectory {
    NewDirectory {
        columns: USUAL_COLUMNS.iter().map(|column| column.to_vec()).collect(),
        rows: Vec::new(),
    }
}

fn masks(rights: [u8; 3]) -> Masks {
    let [owner, group, others] = rights.map(Rights);
    [owner, group, others, Rights(0)]
}

/// The names of an absolute path.
fn components(path: &str) -> Result<Vec<&str>, NameError> {
    let bad = || NameError::Path(path.to_owned());
    let rest = path.strip_prefix('/').ok_or_else(bad)?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = rest.split('/').collect();
    let is_good = |name: &&str| soap::directory::is_name(name.as_bytes()) && *name != "." && *name != "..";
    if path.len() <= proto::soap::LONGEST_PATH && names.iter().all(is_good) {
        Ok(names)
    } else {
        Err(bad())
    }
}

impl Names {
    /// The directories that every system has.
    pub(crate) fn standard() -> Self {
        let mut names = Self {
            directories: vec![empty()],
        };
        let build = |names: &mut Self| {
            for path in STANDARD {
                names.directory(path)?;
            }
            for server in SERVERS {
                names.directory(&format!("/super/cap/{server}svr"))?;
            }
            for (name, to) in LINKS {
                names.link(name, to, None)?;
            }
            Ok::<(), NameError>(())
        };
        build(&mut names).expect("the standard names are paths that differ");
        names
    }

    /// The directory at a path; it and those before it are made if they are not there.
    ///
    /// # Errors
    /// [`NameError::Path`], [`NameError::NoDirectory`].
    pub(crate) fn directory(&mut self, path: &str) -> Result<usize, NameError> {
        self.make(&components(path)?, path)
    }

    fn make(&mut self, names: &[&str], path: &str) -> Result<usize, NameError> {
        let mut place = 0;
        for name in names {
            place = match self.step(place, name) {
                Some(Found::Directory(place)) => place,
                Some(Found::Object(_)) => return Err(NameError::NoDirectory(path.to_owned())),
                None => {
                    let new = self.directories.len();
                    self.directories.push(empty());
                    self.add(place, name, Target::Directory(new), DIRECTORY);
                    new
                }
            };
        }
        Ok(place)
    }

    fn add(&mut self, directory: usize, name: &str, target: Target, rights: [u8; 3]) {
        self.directories[directory].rows.push(NewRow {
            name: name.as_bytes().to_vec(),
            target,
            masks: masks(rights),
        });
    }

    fn step(&self, directory: usize, name: &str) -> Option<Found> {
        let rows = &self.directories[directory].rows;
        let row = rows.iter().find(|row| row.name == name.as_bytes())?;
        Some(match &row.target {
            Target::Directory(place) => Found::Directory(*place),
            Target::Object(set) => Found::Object(*set),
        })
    }

    /// What a path leads to.
    ///
    /// # Errors
    /// [`NameError::Path`], [`NameError::Missing`].
    pub(crate) fn find(&self, path: &str) -> Result<Found, NameError> {
        let mut found = Found::Directory(0);
        for name in components(path)? {
            let next = match found {
                Found::Directory(place) => self.step(place, name),
                Found::Object(_) => None,
            };
            found = next.ok_or_else(|| NameError::Missing(path.to_owned()))?;
        }
        Ok(found)
    }

    /// Enters an object; directories on the way are made.
    ///
    /// # Errors
    /// As [`Names::directory`], and [`NameError::Exists`].
    pub(crate) fn enter(&mut self, path: &str, set: CapabilitySet, rights: [u8; 3]) -> Result<(), NameError> {
        self.enter_target(path, Target::Object(set), rights)
    }

    /// One more name for what is at the path `to`.
    ///
    /// # Errors
    /// As [`Names::enter`] and [`Names::find`].
    pub(crate) fn link(&mut self, path: &str, to: &str, rights: Option<[u8; 3]>) -> Result<(), NameError> {
        let (target, usual) = match self.find(to)? {
            Found::Directory(place) => (Target::Directory(place), DIRECTORY),
            Found::Object(set) => (Target::Object(set), self.rights(to)?),
        };
        self.enter_target(path, target, rights.unwrap_or(usual))
    }

    /// The masks of the row at the end of a path.
    fn rights(&self, path: &str) -> Result<[u8; 3], NameError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or_default();
        let parent = if parent.is_empty() { "/" } else { parent };
        let missing = || NameError::Missing(path.to_owned());
        let Found::Directory(place) = self.find(parent)? else {
            return Err(missing());
        };
        let rows = &self.directories[place].rows;
        let row = rows
            .iter()
            .find(|row| row.name == name.as_bytes())
            .ok_or_else(missing)?;
        let [owner, group, others, _] = row.masks;
        Ok([owner.0, group.0, others.0])
    }

    fn enter_target(&mut self, path: &str, target: Target, rights: [u8; 3]) -> Result<(), NameError> {
        let names = components(path)?;
        let (name, way) = names
            .split_last()
            .ok_or_else(|| NameError::Exists(path.to_owned()))?;
        let directory = self.make(way, path)?;
        if self.step(directory, name).is_some() {
            return Err(NameError::Exists(path.to_owned()));
        }
        self.add(directory, name, target, rights);
        Ok(())
    }
}
