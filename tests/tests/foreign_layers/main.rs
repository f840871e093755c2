//! Promise: a third-party layer, at either position, changes no default behavior. The address of a
//! request, its retries, its options and deadline, its span, the count of its attempts and the
//! reported certainty about its effect are the same as without the layer.

#![allow(clippy::unwrap_used)]

mod layers;
mod lost;
mod outcomes;
mod repeats;
mod rig;
mod stacks;
