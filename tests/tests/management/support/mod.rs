//! The helpers that the tests of all areas share.

pub mod decoded;
pub mod exchange;
pub mod lifecycle;
pub mod table;
pub mod world;

pub use self::decoded::assert_keeps_all;
pub use self::lifecycle::Lifecycle;
pub use self::table::request;
pub use self::world::{Api, World};
