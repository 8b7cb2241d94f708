//! Images: their bytes and their hashes.

use std::borrow::Cow;

use super::failure::Failure;
use super::seam::{LoadedImage, Workshop};
use crate::folder::{HostError, ImageRecord};
use crate::lab::{ImageSource, Lab};

/// Reads every image of a lab.
pub(crate) fn load(workshop: &dyn Workshop, lab: &Lab) -> Result<Vec<LoadedImage>, Failure> {
    let load_one = |image: &crate::lab::Image| {
        let (source, bytes) = match &image.source {
            ImageSource::File(path) => {
                let bytes =
                    std::fs::read(path).map_err(|reason| HostError::new("read image", path, reason))?;
                (path.display().to_string(), Cow::from(bytes))
            }
            ImageSource::Builtin(name) => {
                let source = format!("builtin:{name}");
                let Some(bytes) = workshop.builtin_image(name) else {
                    return Err(Failure::Build(format!(
                        "image `{}`: there is no {source}",
                        image.name
                    )));
                };
                (source, Cow::from(bytes))
            }
        };
        Ok(LoadedImage {
            name: image.name.clone(),
            source,
            bytes,
        })
    };
    lab.images.iter().map(load_one).collect()
}

/// What the manifest says about images.
pub(crate) fn records(images: &[LoadedImage]) -> Vec<ImageRecord> {
    let record = |image: &LoadedImage| ImageRecord {
        name: image.name.clone(),
        source: image.source.clone(),
        bytes: image.bytes.len() as u64,
        blake3: blake3::hash(&image.bytes).to_hex().to_string(),
    };
    images.iter().map(record).collect()
}
