//! The billed resources of an account. They are generated from a seed.

use super::calendar::day_hour;
use super::random::{mix, uuid};

/// A resource that costs something while it exists.
pub(crate) struct Resource {
    pub(crate) workspace: String,
    pub(crate) resource_type: &'static str,
    pub(crate) name: &'static str,
    pub(crate) uuid: String,
    /// The size in gigabytes.
    pub(super) size: u64,
    /// The hours in which it exists: the first one, and the one after the last.
    pub(super) lifetime: (i64, i64),
    /// The monthly growth of its usage, in percent.
    pub(super) growth: u64,
}

/// The workspaces that an account can have besides the emulator's own.
const WORKSPACES: [&str; 5] = ["staging", "research", "production", "tenants", "evals"];
/// The number of them that it has.
const OTHERS: usize = 2;

/// A type of resource: the minimum number of resources, how many more are possible, and their sizes
/// and names.
struct Kind {
    resource_type: &'static str,
    at_least: usize,
    more: u64,
    sizes: &'static [u64],
    names: &'static [&'static str],
}

const KINDS: [Kind; 6] = [
    Kind {
        resource_type: "sandbox",
        at_least: 5,
        more: 4,
        sizes: &[2, 4, 8],
        names: &[
            "code-runner",
            "preview-builder",
            "review-sandbox",
            "notebook",
            "test-bench",
            "playground",
            "doc-renderer",
            "linter",
            "browser",
        ],
    },
    Kind {
        resource_type: "agent",
        at_least: 3,
        more: 3,
        sizes: &[2, 4],
        names: &[
            "support-bot",
            "release-notes",
            "triage",
            "sales-assistant",
            "onboarding",
            "summarizer",
        ],
    },
    Kind {
        resource_type: "job",
        at_least: 2,
        more: 2,
        sizes: &[8, 16, 32],
        names: &["nightly-evals", "embed-corpus", "reindex", "backfill"],
    },
    Kind {
        resource_type: "mcp_server",
        at_least: 2,
        more: 2,
        sizes: &[1, 2],
        names: &["web-search", "ticket-desk", "warehouse", "calendar"],
    },
    Kind {
        resource_type: "volume",
        at_least: 2,
        more: 2,
        sizes: &[20, 50, 100],
        names: &["shared-cache", "datasets", "artifacts", "scratch"],
    },
    Kind {
        resource_type: "custom_domain",
        at_least: 1,
        more: 1,
        sizes: &[1],
        names: &["agents.example.com", "preview.example.com"],
    },
];

/// Returns the resources, in a fixed order. The first one of each type exists for the whole time
/// and belongs to the emulator's own workspace. One sandbox is deleted and created again under its
/// name.
pub(super) fn resources(seed: u64, own: &str, open: (i64, i64)) -> Vec<Resource> {
    let workspaces = workspaces(seed, own);
    let mut resources = Vec::new();
    for (kind, number) in KINDS.iter().zip(1u64..) {
        let key = mix(seed, number << 32);
        let count = kind.at_least + usize::try_from(mix(key, 0) % (kind.more + 1)).unwrap_or(0);
        for (index, name) in shuffled(kind.names, mix(key, 1))
            .into_iter()
            .take(count)
            .enumerate()
        {
            let key = mix(key, 2 + index as u64);
            let workspace = match index {
                0 => own,
                _ => pick(&workspaces, mix(key, 1)).map_or(own, String::as_str),
            };
            let lifetime = match index {
                0 => open,
                _ => lifetime(mix(key, 2), open),
            };
            resources.push(Resource {
                workspace: workspace.to_owned(),
                resource_type: kind.resource_type,
                name,
                uuid: uuid(mix(key, 3), mix(key, 4)),
                size: pick(kind.sizes, mix(key, 5)).copied().unwrap_or(1),
                lifetime,
                growth: mix(key, 6) % 6,
            });
        }
    }
    remake(&mut resources, seed);
    resources
}

/// Deletes the second resource, a sandbox, in spring 2026 and creates another one of its name.
fn remake(resources: &mut Vec<Resource>, seed: u64) {
    let Some(old) = resources.get_mut(1) else {
        return;
    };
    let key = mix(seed, 7);
    let end = day_hour(2026, 3, 12) + hours(key, 24 * 14);
    old.lifetime = (day_hour(2025, 1, 1), end);
    let new = Resource {
        workspace: old.workspace.clone(),
        resource_type: old.resource_type,
        name: old.name,
        uuid: uuid(mix(key, 1), mix(key, 2)),
        size: old.size * 2,
        lifetime: (end + 5, day_hour(2036, 1, 1)),
        growth: old.growth,
    };
    resources.insert(2, new);
}

fn workspaces(seed: u64, own: &str) -> Vec<String> {
    let others = shuffled(&WORKSPACES, mix(seed, 6)).into_iter();
    let others = others.filter(|name| *name != own).take(OTHERS);
    std::iter::once(own)
        .chain(others)
        .map(str::to_owned)
        .collect()
}

/// Returns the lifetime of a resource. It is created within the account's first two years, and one
/// resource in four is deleted again, after two to fourteen months.
fn lifetime(key: u64, (open, close): (i64, i64)) -> (i64, i64) {
    let start = match mix(key, 1) % 3 {
        0 => open + hours(mix(key, 2), 24 * 730),
        _ => open,
    };
    let end = match mix(key, 3) % 4 {
        0 => start + 24 * 60 + hours(mix(key, 4), 24 * 365),
        _ => close,
    };
    (start, end.min(close))
}

/// Returns a number of hours below `most`.
fn hours(key: u64, most: i64) -> i64 {
    i64::try_from(key >> 1).unwrap_or(0) % most
}

fn pick<T>(from: &[T], key: u64) -> Option<&T> {
    let count = from.len() as u64;
    from.get(usize::try_from(key.checked_rem(count)?).ok()?)
}

/// Returns the same names in another order.
fn shuffled<'a>(names: &[&'a str], key: u64) -> Vec<&'a str> {
    let mut keyed: Vec<_> = (0u64..)
        .zip(names)
        .map(|(index, name)| (mix(key, index), *name))
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const OPEN: (i64, i64) = (482_136, 578_568);

    #[test]
    fn every_seed_generates_an_account_with_all_types_of_resources() {
        for seed in 0..200 {
            let resources = resources(seed, "demo", OPEN);
            assert!((16..=30).contains(&resources.len()), "{}", resources.len());
            let types: BTreeSet<_> = resources.iter().map(|one| one.resource_type).collect();
            assert_eq!(types.len(), KINDS.len(), "seed {seed}");
            let uuids: BTreeSet<_> = resources.iter().map(|one| &one.uuid).collect();
            assert_eq!(uuids.len(), resources.len(), "seed {seed}");
            let workspaces: BTreeSet<_> = resources.iter().map(|one| &one.workspace).collect();
            assert!(workspaces.len() <= OTHERS + 1 && workspaces.contains(&"demo".to_owned()));
            let names: BTreeSet<_> = resources.iter().map(|one| one.name).collect();
            assert_eq!(names.len(), resources.len() - 1, "one is made again");
            for one in &resources {
                assert!(
                    OPEN.0 <= one.lifetime.0
                        && one.lifetime.0 < one.lifetime.1
                        && one.lifetime.1 <= OPEN.1
                );
            }
        }
    }
}
