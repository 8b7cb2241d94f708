//! A tour: [`world`] is a disk in memory whose power can fail and a host for engines; [`turns`] has several threads of an engine run
//! one at a time, in an order that a seed chooses. The others are tests by subject.

mod ages;
mod checks;
mod files;
mod limits;
mod model;
mod power;
mod requests;
mod threads;
mod turns;
mod world;
