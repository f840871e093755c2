//! The public list of deviations: what an emulator does otherwise than the platform, leaves out, or had to
//! choose because nobody outside of the platform knows.
//!
//! The table is in the modules below, a constant for each area. The page shows it, the control returns it, and
//! `docs/emulator-deviations.md` is written from it.

mod access;
mod account;
mod api;
mod sandboxes;
mod workloads;

use std::fmt::Write as _;

use serde::Serialize;

/// An area of the API and its deviations.
#[derive(Serialize)]
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) deviations: &'static [Deviation],
}

/// A deviation.
#[derive(Serialize)]
pub(crate) struct Deviation {
    pub(crate) kind: Kind,
    /// The operations that it is about, as faults name them. Empty if it is about all of the area.
    pub(crate) operations: &'static [&'static str],
    /// The platform's behavior, as far as it is known.
    pub(crate) platform: &'static str,
    pub(crate) emulator: &'static str,
}

/// The kinds of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The platform's behavior is known, and the emulator's is another one.
    Differs,
    /// The platform's behavior is known, and the emulator does not have it.
    LeftOut,
    /// The platform's behavior is not known, and the emulator has made a choice.
    Assumed,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Differs, Self::LeftOut, Self::Assumed];

    /// Returns the name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::LeftOut => "left out",
            Self::Assumed => "not known",
        }
    }

    /// Returns what the name stands for.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Differs => "The platform's behavior is known, and the emulator's is another one.",
            Self::LeftOut => "The platform has it, and the emulator does not.",
            Self::Assumed => {
                "The platform's behavior is not known. The emulator has made a choice that a client should not rely on."
            }
        }
    }
}

/// All areas.
pub(crate) static AREAS: [&Area; 19] = [
    &api::TRANSPORT,
    &api::REQUESTS,
    &api::LISTS,
    &api::RESOURCES,
    &access::SIGN_IN,
    &access::PEOPLE,
    &sandboxes::CREATION,
    &sandboxes::MACHINES,
    &sandboxes::DATA_PLANE,
    &sandboxes::INTERPRETER,
    &sandboxes::CONTENTS,
    &sandboxes::PREVIEWS,
    &sandboxes::SCHEDULES,
    &workloads::CALLS,
    &workloads::MODELS,
    &workloads::JOBS,
    &workloads::IMAGES,
    &account::NETWORK,
    &account::FIGURES,
];

/// Returns the number of deviations of a kind.
pub(crate) fn count(kind: Kind) -> usize {
    let all = AREAS.iter().flat_map(|area| area.deviations);
    all.filter(|deviation| deviation.kind == kind).count()
}

const fn differs(
    operations: &'static [&'static str],
    platform: &'static str,
    emulator: &'static str,
) -> Deviation {
    Deviation {
        kind: Kind::Differs,
        operations,
        platform,
        emulator,
    }
}

const fn left_out(
    operations: &'static [&'static str],
    platform: &'static str,
    emulator: &'static str,
) -> Deviation {
    Deviation {
        kind: Kind::LeftOut,
        operations,
        platform,
        emulator,
    }
}

const fn assumed(
    operations: &'static [&'static str],
    platform: &'static str,
    emulator: &'static str,
) -> Deviation {
    Deviation {
        kind: Kind::Assumed,
        operations,
        platform,
        emulator,
    }
}

/// Returns the list as Markdown.
pub(crate) fn markdown() -> String {
    let mut text = String::from(HEAD);
    // A string does not refuse text.
    for kind in Kind::ALL {
        let (name, meaning, count) = (kind.name(), kind.meaning(), count(kind));
        let _ = writeln!(text, "| {name} | {count} | {meaning} |");
    }
    for area in AREAS {
        let _ = write!(text, "\n## {}\n\n{COLUMNS}", area.name);
        for one in area.deviations {
            let operations: Vec<_> = one
                .operations
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                one.kind.name(),
                one.platform,
                one.emulator,
                operations.join(", "),
            );
        }
    }
    text
}

const HEAD: &str = "\
# Deviations of the emulator

What `blaxel-emulator` does otherwise than the platform, leaves out, or had to choose. This file is generated from a
table in the code: `blaxel-emulator --deviations` prints it, the emulator's page shows it, and
`GET /_emulator/deviations` returns it as JSON. A row without operations is about all of its area.

| kind | rows | meaning |
| --- | --- | --- |
";

const COLUMNS: &str = "\
| kind | the platform | the emulator | operations |
| --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::router::check_operation;

    #[test]
    fn each_deviation_is_told_once_and_about_operations_that_exist() {
        let mut told = BTreeSet::new();
        let mut names = BTreeSet::new();
        for area in AREAS {
            assert!(names.insert(area.name), "{}", area.name);
            assert!(!area.deviations.is_empty(), "{}", area.name);
            for one in area.deviations {
                assert!(told.insert(one.emulator), "{}", one.emulator);
                for text in [one.platform, one.emulator] {
                    assert!(text.ends_with('.') && !text.contains(['|', '\n']), "{text}");
                }
                for operation in one.operations {
                    check_operation(operation).unwrap();
                }
            }
        }
        for kind in Kind::ALL {
            assert!(count(kind) > 10, "{kind:?}");
        }
    }
}
