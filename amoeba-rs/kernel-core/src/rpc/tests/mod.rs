//! Tests on a network in memory: one fact a test, and properties of random runs.

mod card;
mod chaos;
mod departures;
mod disturbances;
mod exchanges;
mod hostile;
mod intruder;
mod lab;
mod migration;
mod network;
mod over_flip;
mod signals;
mod tables;
mod travellers;
