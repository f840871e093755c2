//! The parts of the tests of a sandbox's API.

mod recorder;
pub mod table;
mod world;

pub use self::world::{Age, World};
