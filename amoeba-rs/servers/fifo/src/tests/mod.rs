//! The server as its clients see it, and one fifo against what a pipe promises.

mod clients;
mod objects;
mod pipes;
mod promises;
