//! The check of the emulator's page in a browser.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{LIMIT, count};
use crate::shell::{at_root, cargo};

/// The names of Chromium in different systems, of which the first one that is found is used.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// Runs the test of the page, or says that there is no browser for it. Pictures of the page are in `target/interop/page`
/// afterwards.
pub(super) fn check() -> Result<()> {
    let Some(browser) =
        std::env::var_os("PATH").and_then(|path| find(std::env::split_paths(&path)))
    else {
        println!("page: SKIPPED: no Chromium is in PATH (`apt-get install chromium`)");
        return Ok(());
    };
    let root = at_root()?;
    let pictures = root.current_dir().join("target/interop/page");
    let tests = cargo(&root, "test --test interop page:: -- --nocapture");
    let tests = tests.env("BLAXEL_TEST_BROWSER", browser);
    count(
        "page",
        tests.env("BLAXEL_TEST_SCREENSHOTS", pictures).into(),
        LIMIT,
    )
}

/// Returns the browser in the first of these directories that has one.
fn find(directories: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let mut programs = directories.flat_map(|directory| NAMES.map(|name| directory.join(name)));
    programs.find(|program| Path::is_file(program))
}

#[cfg(test)]
mod tests {
    use xshell::Shell;

    use super::*;

    #[test]
    fn the_first_browser_is_found() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
        let search = || find([one.clone(), two.clone()].into_iter());
        sh.create_dir(one.join("chromium")).unwrap();
        assert_eq!(search(), None);
        sh.write_file(two.join("google-chrome"), "").unwrap();
        assert_eq!(search(), Some(two.join("google-chrome")));
        sh.write_file(two.join("chromium"), "").unwrap();
        assert_eq!(search(), Some(two.join("chromium")));
    }
}
