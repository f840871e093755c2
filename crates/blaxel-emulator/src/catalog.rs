//! The platform's public catalog: regions, hubs, templates and integrations. It is constant data.

mod hub;
mod integrations;
mod regions;

pub(crate) use self::hub::{MCPS, Mcp, SANDBOXES, Sandbox, TEMPLATES, Template, sandbox_images};
pub(crate) use self::integrations::Integration;
pub(crate) use self::regions::{CONTINENTS, COUNTRIES, REGIONS, Region};

/// The feature flag of the archives of sandboxes.
pub(crate) const ARCHIVES: &str = "sandbox-archives";

/// The feature flags of a workspace, unless the emulator is built with others.
pub(crate) const FEATURES: [(&str, bool); 6] = [
    ("applications", true),
    ("drives", true),
    ("egress-gateways", true),
    (ARCHIVES, true),
    ("sandbox-schedules", true),
    ("gpu-jobs", false),
];

/// The changelog: date, title and text, newest first.
pub(crate) const CHANGES: [(&str, &str, &str); 3] = [
    (
        "2026-09-22",
        "Images in pages",
        "Lists of images are **paged**, and their tags have a list of their own.",
    ),
    (
        "2026-07-07",
        "Sandbox schedules",
        "Sandboxes run commands at a time, or again and again.",
    ),
    (
        "2026-04-28",
        "Lists in pages",
        "Lists come in **pages** to clients that name this version.",
    ),
];

/// The quotas of an account: type and maximum.
pub(crate) const QUOTAS: [(&str, u64); 8] = [
    ("memory", 16384),
    ("sandbox_ttl", 30),
    ("sandbox_enforced_ttl", 0),
    ("sandboxes", 100),
    ("agents", 50),
    ("functions", 50),
    ("jobs", 50),
    ("volumes", 100),
];
