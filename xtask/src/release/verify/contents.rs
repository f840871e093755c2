//! The files in a package, and which ones it must and must not have.

/// The largest archive that Rust's public registry takes, in bytes.
const ARCHIVE_LIMIT: u64 = 10 << 20;
/// The least size of a text, in bytes. A link that was checked out as a file is shorter.
const SHORTEST_TEXT: u64 = 400;
/// The files beside the directories, without licences. The first four are made by cargo.
const BESIDE: &str =
    ".cargo_vcs_info.json Cargo.lock Cargo.toml Cargo.toml.orig CHANGELOG.md README.md";

/// Returns why a package must not be published: an archive of this size with these files, under
/// this licence, an SPDX expression.
pub(super) fn refusals(packed: u64, files: &[(String, u64)], license: &str) -> Vec<String> {
    let mut refusals = Vec::new();
    if packed > ARCHIVE_LIMIT {
        refusals.push(format!("it has {packed} of {ARCHIVE_LIMIT} bytes"));
    }
    let mut texts = vec!["README.md".to_owned()];
    let words = license.split([' ', '(', ')', '/']);
    for name in words.filter(|word| !["", "OR", "AND", "WITH"].contains(word)) {
        // `LICENSE-APACHE` for `Apache-2.0`.
        let family = name.split('-').next().unwrap_or(name).to_uppercase();
        texts.push(format!("LICENSE-{family}"));
    }
    if texts.len() == 1 {
        refusals.push("its manifest names no licence".to_owned());
    }
    for text in texts {
        match files.iter().find(|(path, _)| *path == text) {
            None => refusals.push(format!("it has no {text}; put it or a link to it there")),
            Some((_, size)) if *size < SHORTEST_TEXT => {
                refusals.push(format!("its {text} has {size} bytes, which is too short"));
            }
            Some(_) => {}
        }
    }
    let strange = files.iter().filter(|(path, _)| !is_expected(path));
    refusals.extend(strange.map(|(path, _)| format!("{path} does not belong in a package")));
    refusals
}

/// Those of sources, of their data, and of the parts of a page.
const EXTENSIONS: [&str; 8] = ["css", "html", "js", "json", "md", "rs", "svg", "txt"];

fn is_expected(path: &str) -> bool {
    let Some((directory, rest)) = path.split_once('/') else {
        return BESIDE.split(' ').any(|it| it == path) || path.starts_with("LICENSE-");
    };
    let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["benches", "examples", "src", "tests"].contains(&directory)
        && EXTENSIONS.contains(&extension)
        && !rest.split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of an archive, a licence, a file with its size, and the refusal, if there is one.
    const CASES: &str = "\
        9 | (MIT OR Apache-2.0) | src/schemas.txt | 1 |
        9 | MIT | src/page/style.css | 1 |
        10485760 | MIT | src/a.rs | 1 |
        10485761 | MIT | src/a.rs | 1 | it has 10485761 of 10485760 bytes
        9 | MIT | README.md | 17 | its README.md has 17 bytes
        9 | MIT | LICENSE-MIT | 17 | its LICENSE-MIT has 17 bytes
        9 | MIT/ISC | src/a.rs | 1 | it has no LICENSE-ISC;
        9 |  | src/a.rs | 1 | its manifest names no licence
        9 | MIT | notes.txt | 1 | notes.txt does not belong
        9 | MIT | src/key.pem | 1 | src/key.pem does not belong
        9 | MIT | tests/.cache/a.rs | 1 | tests/.cache/a.rs does not belong";

    #[test]
    fn a_package_must_have_its_texts_and_nothing_strange() {
        for case in CASES.lines() {
            let [packed, license, file, size, expected] =
                std::array::from_fn(|at| case.split('|').nth(at).unwrap().trim());
            let usual = "Cargo.toml LICENSE-APACHE LICENSE-MIT README.md".split(' ');
            let usual = usual.filter(|path| *path != file).map(|path| (path, 500));
            let files = usual.chain([(file, size.parse().unwrap())]);
            let files = files.map(|(path, size)| (path.to_owned(), size));
            let files: Vec<_> = files.collect();
            let refusals = refusals(packed.parse().unwrap(), &files, license);
            let count = usize::from(!expected.is_empty());
            assert_eq!(refusals.len(), count, "{case}: {refusals:?}");
            assert!(refusals.concat().starts_with(expected), "{refusals:?}");
        }
    }
}
