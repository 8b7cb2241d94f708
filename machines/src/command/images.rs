//! Images: their bytes, and their hashes for the manifest.

use std::path::Path;

use super::failure::Failure;
use crate::folder::{HostError, ImageRecord};
use crate::image::{ImageBytes, ImageError, load_all};
use crate::lab::{ImageSource, Lab};

/// The bytes of every image of a lab, in its order.
pub(crate) fn load(lab: &Lab) -> Result<Vec<ImageBytes>, Failure> {
    load_all(lab).map_err(|error| match error {
        ImageError::Unreadable { path, source, .. } => HostError::new("read image", &path, source).into(),
        ImageError::NoMemory { name, source, .. } => {
            HostError::new("have memory for the blank image", Path::new(&name), source).into()
        }
        ImageError::NotMade { .. } | ImageError::UnknownBuiltin { .. } => Failure::Build(error.to_string()),
    })
}

/// What the manifest says about images.
pub(crate) fn records(lab: &Lab, bytes: &[ImageBytes]) -> Vec<ImageRecord> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .unwrap_or_else(|_| path.into())
            .display()
            .to_string()
    };
    let record = |(image, bytes): (&crate::lab::Image, &ImageBytes)| ImageRecord {
        name: image.name.clone(),
        source: match &image.source {
            ImageSource::File(path) => absolute(path),
            ImageSource::Builtin(name) => format!("builtin:{name}"),
            ImageSource::Made(made) => format!("{} of {}", made.disk, absolute(&made.description)),
            ImageSource::Blank(_) => "blank".to_owned(),
        },
        bytes: bytes.len() as u64,
        blake3: blake3::hash(bytes).to_hex().to_string(),
    };
    lab.images.iter().zip(bytes).map(record).collect()
}
