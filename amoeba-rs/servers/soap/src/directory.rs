//! A directory: a table of names, sets of capabilities, and masks of rights for each column.
//!
//! Who holds a column finds the rows whose mask there is not empty, with the rights of that mask; several columns give their
//! masks together. Who may modify a directory may add, replace and remove rows. Masks are given with the same care as capabilities: a
//! client cannot add rights to a row that it would not get from it, unless it holds all columns.

use crate::message::written;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Rights};
use proto::capability_set::CapabilitySet;
use proto::marshal::{Reader, Writer};
use proto::soap::directory::{self as format, emit_masks};
use proto::soap::wire::List;
use proto::soap::{
    COLUMNS, Failure, LARGEST_BUFFER, LARGEST_DIRECTORY, LONGEST_NAME, MODIFY, MOST_COLUMNS, MOST_ROWS,
    Masks, granted,
};
use proto::standard::Status;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: Vec<u8>,
    /// What kind of object it is.
    pub kind: Capability,
    /// When it was entered or replaced, in seconds since the beginning of 1970.
    pub time: u32,
    /// The object.
    pub set: CapabilitySet,
    /// A mask for each column.
    pub masks: Masks,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The number that protects its capability.
    pub check: Port,
    /// Its sequence number.
    pub sequence: u64,
    columns: Vec<Vec<u8>>,
    rows: Vec<Row>,
}

fn bad_argument<T>(_: T) -> Failure {
    Status::BadArgument.into()
}

/// Whether a row may have this name: one to 255 bytes, none of them zero or a slash, which separates names in paths.
pub fn is_name(name: &[u8]) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}

impl Directory {
    /// An empty directory.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for no column, more than four, or names that cannot be.
    pub fn new(check: Port, columns: Vec<Vec<u8>>) -> Result<Directory, Failure> {
        if !(1..=MOST_COLUMNS).contains(&columns.len()) || !columns.iter().all(|name| is_name(name)) {
            return Err(Status::BadArgument.into());
        }
        Ok(Directory {
            check,
            sequence: 0,
            columns,
            rows: Vec::new(),
        })
    }

    /// Reads a directory's file.
    ///
    /// # Errors
    /// What is wrong with the bytes; [`proto::Error::Length`] if some are left over.
    pub fn parse(bytes: &[u8]) -> Result<Directory, proto::Error> {
        let mut reader = Reader::new(bytes);
        let header = format::Header::parse(&mut reader)?;
        let mut columns = Vec::new();
        for _ in 0..header.columns {
            columns.push(reader.string()?.to_vec());
        }
        let mut rows = Vec::new();
        for _ in 0..header.rows {
            let row = format::Row::parse(&mut reader, columns.len())?;
            rows.push(Row {
                name: row.name.to_vec(),
                kind: row.kind,
                time: row.time,
                set: row.set,
                masks: row.masks,
            });
        }
        if !reader.rest().is_empty() {
            return Err(proto::Error::Length);
        }
        Ok(Directory {
            check: header.check,
            sequence: header.sequence,
            columns,
            rows,
        })
    }

    /// The directory's file.
    ///
    /// # Errors
    /// [`Status::NoSpace`] if it is larger than a directory may be.
    pub fn emit(&self) -> Result<Vec<u8>, Failure> {
        let length = self.length();
        if length > LARGEST_DIRECTORY {
            return Err(Status::NoSpace.into());
        }
        let mut bytes = vec![0; length];
        self.write(&mut Writer::new(&mut bytes)).map_err(bad_argument)?;
        Ok(bytes)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), proto::Error> {
        let header = format::Header {
            check: self.check,
            columns: self.columns.len() as u16,
            rows: self.rows.len() as u16,
            sequence: self.sequence,
        };
        header.emit(writer)?;
        for column in &self.columns {
            writer.string(column)?;
        }
        for row in &self.rows {
            row.borrowed().emit(writer, self.columns.len())?;
        }
        Ok(())
    }

    /// Bytes of its file.
    pub fn length(&self) -> usize {
        let columns: usize = self.columns.iter().map(|name| name.len() + 1).sum();
        let rows = self
            .rows
            .iter()
            .map(|row| row.borrowed().length(self.columns.len()));
        format::Header::LENGTH + columns + rows.sum::<usize>()
    }

    /// Names of its columns.
    pub fn columns(&self) -> &[Vec<u8>] {
        &self.columns
    }

    /// Its rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether the holder of `rights` has all columns.
    fn is_whole(&self, rights: Rights) -> bool {
        rights.include(Rights((1 << self.columns.len()) - 1))
    }

    fn is_shown(&self, row: &Row, rights: Rights) -> bool {
        self.is_whole(rights) || granted(&row.masks, rights) != Rights(0)
    }

    /// # Errors
    /// [`Status::Denied`] for who holds no column.
    fn need_column(&self, rights: Rights) -> Result<(), Failure> {
        let columns = Rights((1 << self.columns.len()) - 1);
        if rights.0 & columns.0 & COLUMNS.0 == 0 {
            return Err(Status::Denied.into());
        }
        Ok(())
    }

    fn position(&self, name: &[u8]) -> Result<usize, Failure> {
        let place = self.rows.iter().position(|row| row.name == name);
        place.ok_or(Status::NotFound.into())
    }

    /// A row, and the rights that a client gets from it.
    ///
    /// # Errors
    /// [`Status::Denied`] without a column, [`Status::NotFound`] for a row that there is not or that shows nothing to the client.
    pub fn lookup(&self, name: &[u8], rights: Rights) -> Result<(&Row, Rights), Failure> {
        self.need_column(rights)?;
        let row = &self.rows[self.position(name)?];
        match granted(&row.masks, rights) {
            Rights(0) => Err(Status::NotFound.into()),
            mask => Ok((row, mask)),
        }
    }

    /// The masks of a row, those of columns that the client does not hold as zero.
    ///
    /// # Errors
    /// As [`Directory::lookup`]; who holds all columns sees rows that show nothing.
    pub fn masks(&self, name: &[u8], rights: Rights) -> Result<Masks, Failure> {
        self.need_column(rights)?;
        let row = &self.rows[self.position(name)?];
        if !self.is_shown(row, rights) {
            return Err(Status::NotFound.into());
        }
        Ok(held(&row.masks, rights))
    }

    /// The rows from the one numbered `first` on that the client sees, as the reply to a list; and the first row that found no
    /// room, or 0.
    ///
    /// # Errors
    /// [`Status::Denied`] without a column.
    pub fn list(&self, first: usize, rights: Rights) -> Result<(Vec<u8>, u16), Failure> {
        self.need_column(rights)?;
        let columns = self.columns.len();
        let names: usize = self.columns.iter().map(|name| name.len() + 1).sum();
        let mut length = 4 + names;
        let (mut shown, mut next) = (Vec::new(), 0);
        for (place, row) in self.rows.iter().enumerate().skip(first) {
            if !self.is_shown(row, rights) {
                continue;
            }
            length += row.name.len() + 1 + 4 * columns;
            if length > LARGEST_BUFFER {
                next = place as u16;
                break;
            }
            shown.push(row);
        }
        let bytes = written(|writer| {
            let list = List {
                columns: columns as u16,
                rows: shown.len() as u16,
            };
            list.emit(writer)?;
            self.columns.iter().try_for_each(|name| writer.string(name))?;
            shown.iter().try_for_each(|row| {
                writer.string(&row.name)?;
                emit_masks(&held(&row.masks, rights), columns, writer)
            })
        })?;
        Ok((bytes, next))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Status::Denied`] for who may not modify, [`Status::BadArgument`] for an impossible name, [`Status::Exists`],
    /// [`Status::NoSpace`] in a full directory.
    pub fn append(&mut self, row: Row, rights: Rights) -> Result<(), Failure> {
        need(rights, MODIFY)?;
        if !is_name(&row.name) {
            return Err(Status::BadArgument.into());
        }
        if self.position(&row.name).is_ok() {
            return Err(Status::Exists.into());
        }
        let length = self.length() + row.borrowed().length(self.columns.len());
        if self.rows.len() == MOST_ROWS || length > LARGEST_DIRECTORY {
            return Err(Status::NoSpace.into());
        }
        self.rows.push(row);
        Ok(())
    }

    /// Changes a row's masks.
    ///
    /// # Errors
    /// [`Status::Denied`] for who may not modify, or would add rights without having them; [`Status::NotFound`].
    pub fn change_masks(&mut self, name: &[u8], masks: Masks, rights: Rights) -> Result<(), Failure> {
        need(rights, MODIFY)?;
        let place = self.position(name)?;
        let is_whole = self.is_whole(rights);
        let row = &mut self.rows[place];
        let own = granted(&row.masks, rights);
        let are_had = masks
            .iter()
            .zip(&row.masks)
            .all(|(new, old)| new.0 & !(old.0 | own.0) == 0);
        if !is_whole && !are_had {
            return Err(Status::Denied.into());
        }
        row.masks = masks;
        Ok(())
    }

    /// Removes a row.
    ///
    /// # Errors
    /// [`Status::Denied`] for who may not modify; [`Status::NotFound`].
    pub fn delete(&mut self, name: &[u8], rights: Rights) -> Result<(), Failure> {
        need(rights, MODIFY)?;
        let place = self.position(name)?;
        self.rows.remove(place);
        Ok(())
    }

    /// Replaces a row's set, if it holds the capability `old`, or whatever it holds if that is null.
    ///
    /// # Errors
    /// [`Status::Denied`] for who may not modify; [`Status::NotFound`]; [`proto::soap::Status::Clash`] if it holds others;
    /// [`Status::NoSpace`].
    pub fn replace(
        &mut self,
        name: &[u8],
        set: CapabilitySet,
        old: &Capability,
        time: u32,
        rights: Rights,
    ) -> Result<(), Failure> {
        need(rights, MODIFY)?;
        let place = self.position(name)?;
        let row = &mut self.rows[place];
        if *old != Capability::NULL && !row.set.members().any(|member| member.capability == *old) {
            return Err(proto::soap::Status::Clash.into());
        }
        row.set = set;
        row.time = time;
        if self.length() > LARGEST_DIRECTORY {
            return Err(Status::NoSpace.into());
        }
        Ok(())
    }

    /// Changes a row's type.
    ///
    /// # Errors
    /// As [`Directory::delete`].
    pub fn put_type(&mut self, name: &[u8], kind: Capability, rights: Rights) -> Result<(), Failure> {
        need(rights, MODIFY)?;
        let place = self.position(name)?;
        self.rows[place].kind = kind;
        Ok(())
    }
}

impl Row {
    fn borrowed(&self) -> format::Row<'_> {
        format::Row {
            name: &self.name,
            kind: self.kind,
            time: self.time,
            set: self.set,
            masks: self.masks,
        }
    }
}

/// # Errors
/// [`Status::Denied`] if `rights` lack some of what is needed.
pub fn need(rights: Rights, needed: Rights) -> Result<(), Failure> {
    if rights.include(needed) {
        Ok(())
    } else {
        Err(Status::Denied.into())
    }
}

/// The masks of the columns that `rights` hold.
fn held(masks: &Masks, rights: Rights) -> Masks {
    core::array::from_fn(|column| {
        if rights.0 & 1 << column == 0 {
            Rights(0)
        } else {
            masks[column]
        }
    })
}
