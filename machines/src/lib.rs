//! Lab description files, board assembly, the lab runtime and the `amlab` command.
//!
//! A tour: [`lab`] turns a description file into a checked `Lab`; a board wires chips and cards together, a machine puts
//! a processor on it and starts it, from a kernel or a ROM; [`runtime`] runs machines in windows of virtual time and settles the cables
//! between them; [`image`] finds the bytes of both, and [`made_disk`] makes disks of Amoeba's. [`profile`] tells where the processors' time goes. [`command`] is what people type, and [`folder`] is what a run
//! leaves behind.

mod board;
pub mod command;
pub mod folder;
pub mod frame_text;
pub mod image;
mod keyboard_layout;
pub mod lab;
mod line_search;
pub mod machine;
pub mod made_disk;
pub mod media;
pub mod profile;
mod rom;
pub mod runtime;
