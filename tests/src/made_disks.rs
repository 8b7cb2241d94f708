//! Disks with the file systems of Amoeba, made from a description, with files that a test brings and the programs of amlab.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use amoeba_disks::{Description, Made, Sources, make};

/// The texts of files, and the built-in programs.
struct Texts<'a>(BTreeMap<&'a str, &'a str>);

impl Sources for Texts<'_> {
    fn builtin(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        machines::image::builtin(name).map(Cow::Borrowed)
    }

    fn builtins(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    }

    fn list(&self, _folder: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// The disks of a description, by name, whose files come from these texts.
///
/// # Panics
/// If it has an error.
#[must_use]
pub fn made(description: &str, texts: &[(&str, &str)]) -> (Made, BTreeMap<String, Vec<u8>>) {
    let description = Description::parse(description).expect("a description");
    let mut images: BTreeMap<String, Vec<u8>> = description
        .disks()
        .map(|name| {
            let bytes = description.bytes(name).expect("a disk");
            (name.to_owned(), vec![0; bytes as usize])
        })
        .collect();
    let borrowed = images
        .iter_mut()
        .map(|(name, image)| (name.as_str(), image.as_mut_slice()));
    let texts = Texts(texts.iter().copied().collect());
    let made = make(&description, &texts, borrowed.collect()).expect("disks with room");
    (made, images)
}
