//! The manager over servers that the tests make up.

mod replication;
mod rounds;
mod servers;
