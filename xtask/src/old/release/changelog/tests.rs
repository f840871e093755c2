use super::*;

const CRATES: [&str; 3] = ["kite", "kite-string", "wind"];

fn section(name: &str, version: &str) -> Section {
    Section {
        name: name.to_owned(),
        version: Version::parse(version).unwrap(),
        follows: Vec::new(),
    }
}

fn turn(text: &str, releases: &[Section]) -> String {
    let changelog = Changelog::parse(text, &CRATES).unwrap();
    changelog.turned(releases, "2026-11-25")
}

const TEXT: &str = "\
# Changelog

All that users see.

## [Unreleased]

### Added

- `kite`: tails, of paper
  and of cloth.

  ```
  - `wind`: no entry
  ```
- `cargo xtask fly`: flies.
- `wind`, `kite-string` and `kite`: knots.

### Fixed

- `kite`: the tear.
- `wind`: blows again.

## kite 0.1.0 - 2026-01-01

- Old  things,   kept.

[kite]: https://kite.example
";

#[test]
fn a_release_gets_its_entries_and_the_rest_waits() {
    let turned = turn(
        TEXT,
        &[section("kite", "0.1.1"), section("kite-string", "0.2.0")],
    );
    assert_eq!(
        turned,
        "\
# Changelog

All that users see.

## [Unreleased]

### Added

- `wind`: knots.

### Fixed

- `wind`: blows again.

## kite 0.1.1 - 2026-11-25

### Added

- Tails, of paper
  and of cloth.

  ```
  - `wind`: no entry
  ```
- Knots.

### Fixed

- The tear.

## kite-string 0.2.0 - 2026-11-25

### Added

- Knots.

## Workspace - 2026-11-25

### Added

- `cargo xtask fly`: flies.

## kite 0.1.0 - 2026-01-01

- Old  things,   kept.

[kite]: https://kite.example
"
    );
}

#[test]
fn who_only_follows_gets_an_entry_of_ours() {
    let mut string = section("kite-string", "0.2.0");
    string.follows = vec![("kite".to_owned(), Version::new(0, 2, 0))];
    let turned = turn("## [Unreleased]\n\n- `wind`: blows.\n", &[string]);
    assert_eq!(
        turned,
        "## [Unreleased]\n\n- `wind`: blows.\n\n## kite-string 0.2.0 - 2026-11-25\n\n\
         ### Changed\n\n- Follows `kite` 0.2.0.\n"
    );
}

#[test]
fn whom_an_entry_speaks_of_is_told_by_its_first_words() {
    let changelog = Changelog::parse(TEXT, &CRATES).unwrap();
    assert!(CRATES.iter().all(|name| changelog.speaks_of(name)));
    let text = "## [Unreleased]\n- `kite` flies\n- kite: flies\n- `kite`, `boat`: go\n";
    let changelog = Changelog::parse(text, &CRATES).unwrap();
    assert!(!changelog.speaks_of("kite"));
    // What is released already is no entry any more.
    let text = "## [Unreleased]\n\n## Old\n\n- `kite`: flies\n";
    assert!(!Changelog::parse(text, &CRATES).unwrap().speaks_of("kite"));
}

#[test]
fn a_paragraph_among_the_entries_stays() {
    let text = "## [Unreleased]\n\nSoon.\n\n- `kite`: flies.\n\n[x]: https://kite.example\n";
    assert_eq!(
        turn(text, &[section("kite", "0.1.0")]),
        "## [Unreleased]\n\nSoon.\n\n## kite 0.1.0 - 2026-11-25\n\n- Flies.\n\n\
         [x]: https://kite.example\n"
    );
}

#[test]
fn a_changelog_without_an_unreleased_part_is_refused() {
    assert!(Changelog::parse("# Changelog\n", &CRATES).is_err());
}

/// Every subset of these entries, in every subset of these headings.
fn changelogs() -> impl Iterator<Item = String> {
    let pieces = [
        "### Added\n\n",
        "- `kite`: one,\n  on two lines.\n",
        "- `cargo`: two.\n\n  A paragraph of it.\n",
        "\n### Fixed\n\n",
        "- `wind`: three.\n\n",
        "- `kite` and `wind`: four.\n",
        "\nNo entry at all.\n",
    ];
    (0..1_u32 << pieces.len()).map(move |choice| {
        let chosen = pieces.iter().enumerate();
        let chosen = chosen.filter(|(index, _)| choice & (1 << index) != 0);
        let body: String = chosen.map(|(_, piece)| *piece).collect();
        format!("# Changelog\n\n## [Unreleased]\n\n{body}\n## Old 1.0.0\n\n- `kite`:  old\t\n\n\n")
    })
}

#[test]
fn nothing_that_was_said_is_lost_or_said_twice() {
    for text in changelogs() {
        let turned = turn(&text, &[section("kite", "0.1.0")]);
        let count = |text: &str, what: &str| text.to_lowercase().matches(what).count();
        for what in [
            "one,\n  on two lines.",
            "two.\n\n  a paragraph of it.",
            "three.",
            "no entry",
        ] {
            assert_eq!(count(&turned, what), count(&text, what), "{text}\n{turned}");
        }
        // It is said to users of either crate.
        assert_eq!(
            count(&turned, "four."),
            2 * count(&text, "four."),
            "{turned}"
        );
        let (_, old) = text.split_once("\n## Old").unwrap();
        assert!(turned.ends_with(&format!("\n\n## Old{old}")), "{turned}");
    }
}

#[test]
fn what_was_released_is_not_released_again() {
    for text in changelogs() {
        let turned = turn(&text, &[section("kite", "0.1.0")]);
        let again = Changelog::parse(&turned, &CRATES).unwrap();
        assert!(!again.speaks_of("kite"), "{turned}");
        let before = Changelog::parse(&text, &CRATES).unwrap();
        assert_eq!(
            again.speaks_of("wind"),
            before.speaks_of("wind"),
            "{turned}"
        );
    }
}
