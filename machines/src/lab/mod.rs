//! Lab description files: from TOML to a checked [`Lab`].

mod model;

pub use model::{
    Boot, Capture, Card, Constant, Expectation, Image, ImageSource, Lab, Machine, Segment, Source, Speed,
    Timing,
};
