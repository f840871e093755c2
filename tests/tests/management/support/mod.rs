//! The helpers that the tests of all areas share.

pub mod exchange;
pub mod life;
pub mod table;
pub mod told;
pub mod world;

pub use self::life::Life;
pub use self::table::request;
pub use self::told::tells;
pub use self::world::{Api, World};
