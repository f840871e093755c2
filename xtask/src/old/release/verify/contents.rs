//! What is in a package, and what should and should not be.

use std::fs;
use std::io;
use std::path::Path;

use crate::old::files;

/// The files of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    /// The size of the archive in bytes.
    pub(super) packed: u64,
    /// The largest first.
    pub(super) files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// From the root of the package, with slashes.
    pub(super) path: String,
    pub(super) size: u64,
}

/// The largest archive that the public registry takes.
const MOST_PACKED: u64 = 10 << 20;

/// From this size on a file is one that somebody should have looked at.
const LARGE: u64 = 256 << 10;

/// What a licence has at least, in bytes.
const SHORTEST_TEXT: u64 = 400;

/// How many of the largest files are shown.
const SHOWN: usize = 3;

/// Where the sources of a package are.
const DIRECTORIES: [&str; 4] = ["benches", "examples", "src", "tests"];

/// What sources are, and what they include.
const EXTENSIONS: [&str; 4] = ["json", "md", "rs", "txt"];

/// What lies beside the sources; the first four are made by cargo.
const BESIDE: [&str; 6] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "CHANGELOG.md",
    README,
];

const README: &str = "README.md";

impl Contents {
    /// Looks at an archive of this size that was unpacked into this directory.
    pub(super) fn read(directory: &Path, packed: u64) -> io::Result<Self> {
        let paths = files::below(directory, &|_| true)?.into_iter();
        let files = paths.map(|path| {
            let size = fs::symlink_metadata(directory.join(&path))?.len();
            Ok(File { path, size })
        });
        Ok(Self::new(packed, files.collect::<io::Result<_>>()?))
    }

    fn new(packed: u64, mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        Self { packed, files }
    }

    fn unpacked(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// The sizes in two lines.
    pub(super) fn summary(&self) -> [String; 2] {
        let largest = self.files.iter().take(SHOWN);
        let largest: Vec<String> = largest
            .map(|file| format!("{} {}", file.path, size(file.size)))
            .collect();
        let count = self.files.len();
        [
            format!(
                "{count} files, {} packed, {} unpacked",
                size(self.packed),
                size(self.unpacked())
            ),
            format!("largest: {}", largest.join(", ")),
        ]
    }

    /// Why the package must not be published, under this licence.
    pub(super) fn refusals(&self, license: Option<&str>) -> Vec<String> {
        let mut refusals = Vec::new();
        if self.packed > MOST_PACKED {
            refusals.push(format!(
                "it has {} bytes packed, and the public registry takes {}; leave files out by \
                 `exclude` in its manifest",
                self.packed,
                size(MOST_PACKED)
            ));
        }
        if !self.has(README) {
            refusals.push(format!("it has no {README}"));
        }
        let texts = texts(license.unwrap_or_default());
        if texts.is_empty() {
            refusals.push("its manifest names no licence".to_owned());
        }
        refusals.extend(texts.iter().filter_map(|text| self.without(text)));
        refusals
    }

    /// What is wrong with this licence text.
    fn without(&self, text: &str) -> Option<String> {
        match self.files.iter().find(|file| file.path == text) {
            None => Some(format!(
                "it has no {text}, which its licence asks for; cargo packs only what lies in the \
                 directory of the crate, so put the text or a link to it there"
            )),
            // A link that was checked out where there are none is a file with a path in it.
            Some(file) if file.size < SHORTEST_TEXT => Some(format!(
                "its {text} has {}, which is no licence",
                size(file.size)
            )),
            Some(_) => None,
        }
    }

    /// What a person should look at.
    pub(super) fn warnings(&self) -> Vec<String> {
        let odd = self.files.iter().filter(|file| !is_expected(&file.path));
        let large = self.files.iter().filter(|file| file.size > LARGE);
        odd.map(|file| format!("{} looks out of place", file.path))
            .chain(large.map(|file| format!("{} has {}", file.path, size(file.size))))
            .collect()
    }
}

/// The files with the texts of the licences in an SPDX expression: `LICENSE-APACHE` for
/// `Apache-2.0`.
fn texts(license: &str) -> Vec<String> {
    let words = license.split(|c: char| c.is_whitespace() || "()/".contains(c));
    let names = words.filter(|word| !["", "OR", "AND", "WITH"].contains(word));
    names
        .map(|name| {
            let family = name.split('-').next().unwrap_or(name);
            format!("LICENSE-{}", family.to_uppercase())
        })
        .collect()
}

fn is_expected(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    match path.split_once('/') {
        None => BESIDE.contains(&path) || path.starts_with("LICENSE-"),
        Some((directory, rest)) => {
            let extension = rest.rsplit_once('.').map(|(_, extension)| extension);
            !hidden
                && DIRECTORIES.contains(&directory)
                && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        }
    }
}

/// A size in the unit that fits.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (bytes.saturating_mul(10) + unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", tenths(1 << 10)),
        _ => format!("{} MiB", tenths(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LICENSE: Option<&str> = Some("MIT OR Apache-2.0");

    fn contents(packed: u64, files: &[(&str, u64)]) -> Contents {
        let files = files.iter().map(|(path, size)| File {
            path: path.to_string(),
            size: *size,
        });
        Contents::new(packed, files.collect())
    }

    #[test]
    fn a_package_with_its_texts_is_sound() {
        let sound = contents(
            900,
            &[
                ("Cargo.toml", 10),
                (".cargo_vcs_info.json", 10),
                ("LICENSE-APACHE", 500),
                ("LICENSE-MIT", 500),
                ("README.md", 10),
                ("src/lib.rs", 3000),
                ("tests/wind/main.rs", 10),
                ("src/schemas.txt", 10),
            ],
        );
        assert_eq!(sound.refusals(LICENSE), [""; 0]);
        assert_eq!(sound.warnings(), [""; 0]);
        let expected = [
            "8 files, 900 B packed, 4.0 KiB unpacked",
            "largest: src/lib.rs 2.9 KiB, LICENSE-APACHE 500 B, LICENSE-MIT 500 B",
        ];
        assert_eq!(sound.summary(), expected);
    }

    #[test]
    fn texts_that_are_missing_are_refused_one_by_one() {
        let bare = contents(9, &[("LICENSE-MIT", 500)]);
        let refusals = bare.refusals(LICENSE);
        assert_eq!(refusals.len(), 2, "{refusals:?}");
        assert!(refusals[0].contains("no README.md"));
        assert!(refusals[1].contains("no LICENSE-APACHE"));
        let link = contents(9, &[("README.md", 1), ("LICENSE-MIT", 17)]).refusals(Some("MIT"));
        assert_eq!(link, ["its LICENSE-MIT has 17 B, which is no licence"]);
        assert!(bare.refusals(None)[1].contains("names no licence"));
    }

    #[test]
    fn more_than_the_public_registry_takes_is_refused() {
        let texts = [("README.md", 1), ("LICENSE-MIT", 500)];
        let refusals = |packed| contents(packed, &texts).refusals(Some("MIT"));
        assert_eq!(refusals(10 << 20), [""; 0]);
        assert!(refusals((10 << 20) + 1)[0].contains("10485761 bytes packed"));
    }

    #[test]
    fn what_is_no_source_is_pointed_at() {
        for odd in [
            "notes.txt",
            "src/.env",
            "src/key.pem",
            "target/debug/a.rs",
            "tests/.cache/a.rs",
            "src/lib.rs.orig",
            "tests/core",
        ] {
            let warnings = contents(9, &[(odd, 1)]).warnings();
            assert_eq!(warnings, [format!("{odd} looks out of place")]);
        }
        let warnings = contents(9, &[("src/table.txt", 300 << 10)]).warnings();
        assert_eq!(warnings, ["src/table.txt has 300.0 KiB"]);
    }

    #[test]
    fn each_licence_of_an_expression_has_a_text() {
        assert_eq!(
            texts("(MIT OR Apache-2.0)"),
            ["LICENSE-MIT", "LICENSE-APACHE"]
        );
        assert_eq!(texts("ISC"), ["LICENSE-ISC"]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn a_directory_is_read_to_its_depths() {
        let here = crate::old::root().join("xtask/src/release/verify");
        let contents = Contents::read(&here, 1).unwrap();
        assert!(contents.has("contents.rs") && contents.has("consumer/main.rs"));
    }
}
