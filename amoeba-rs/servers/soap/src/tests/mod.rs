//! Two servers, two stores and two disks in one process.

mod capabilities;
mod client;
mod cuts;
mod lab;
mod limits;
mod lookups;
mod made;
mod model;
mod pairs;
mod properties;
mod recovering;
mod upkeep;
