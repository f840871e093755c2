//! Walks over lists, by page and by item.

mod items;
mod pages;
mod recent;

#[cfg(test)]
mod tests;

pub use self::items::{Checkpoint, Items};
pub use self::pages::Pages;
