//! Reports: one HTML file each, with everything in it: no script, no network, light and dark, printable.
//!
//! The same run gives the same bytes: nothing in a report comes from a clock.

mod chart;
mod page;
mod training;

pub use training::training;
