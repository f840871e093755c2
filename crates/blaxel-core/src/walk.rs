//! Walks over paginated lists: [`Pages`] yields pages, [`Items`] yields their items.
//!
//! A [`Checkpoint`] saves the position of a walk over items.

mod items;
mod pages;
mod recent;

#[cfg(test)]
mod tests;

pub use self::items::{Checkpoint, Items};
pub use self::pages::Pages;
