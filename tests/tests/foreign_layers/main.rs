//! The promise: a layer of somebody else's, at either position, loses no default. Where a request goes,
//! whether it is retried, its options and deadline, its span, the count of its attempts and the certainty
//! about its effect are the same as without the layer.

#![allow(clippy::unwrap_used)]

mod layers;
mod lost;
mod outcomes;
mod repeats;
mod rig;
mod stacks;
