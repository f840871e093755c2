//! Images that are declared in code: their Dockerfile, their files and their builds.

#![cfg(all(
    feature = "image-builder",
    feature = "sandboxes",
    feature = "workloads"
))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod archive;
mod builds;
mod dockerfile;
mod ignore;
mod installers;
mod support;
