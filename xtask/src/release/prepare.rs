//! `cargo xtask release prepare`.

use std::path::Path;

use super::options::Options;

pub(super) fn command(_: &Path, _: &Options) -> Result<bool, String> {
    Err("not there yet".to_owned())
}
