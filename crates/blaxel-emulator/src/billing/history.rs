//! Usage and costs: a function of the seed, the resource, the dimension and the hour. Nothing is
//! stored.

use super::calendar::{Window, day_hour};
use super::random::mix;
use super::resources::{Resource, resources};

/// A billed dimension: its name, which ends with the unit, the type of resource, and the price.
pub(crate) struct Metered {
    pub(crate) name: &'static str,
    pub(crate) resource_type: &'static str,
    /// The price of one unit, in thousandths of a micro-dollar.
    price: u64,
    shape: UsagePattern,
}

/// The course of usage over a week.
#[derive(Clone, Copy)]
enum UsagePattern {
    /// About constant, such as stored bytes.
    Steady,
    /// High by day, lower at night, and low at weekends.
    Office,
    /// Two hours every night.
    Nightly,
    /// Irregular.
    Bursts,
}

const fn metered(
    name: &'static str,
    resource_type: &'static str,
    price: u64,
    shape: UsagePattern,
) -> Metered {
    Metered {
        name,
        resource_type,
        price,
        shape,
    }
}

/// The prices of a gigabyte-second of memory and of storage.
const MEMORY: u64 = 11_500;
const STORAGE: u64 = 77;

const HOURS_PER_MONTH: i64 = 730;

/// Every billed dimension.
pub(crate) static METERED: [Metered; 12] = [
    metered(
        "sandbox_compute_runtime_gbs",
        "sandbox",
        MEMORY,
        UsagePattern::Office,
    ),
    metered(
        "sandbox_image_storage_gbs",
        "sandbox",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "sandbox_snapshot_storage_gbs",
        "sandbox",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "agent_compute_runtime_gbs",
        "agent",
        MEMORY,
        UsagePattern::Office,
    ),
    metered(
        "agent_image_storage_gbs",
        "agent",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "agent_async_requests_count",
        "agent",
        2_000,
        UsagePattern::Bursts,
    ),
    metered(
        "job_compute_runtime_gbs",
        "job",
        MEMORY,
        UsagePattern::Nightly,
    ),
    metered(
        "job_image_storage_gbs",
        "job",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "mcp_server_compute_runtime_gbs",
        "mcp_server",
        MEMORY,
        UsagePattern::Bursts,
    ),
    metered(
        "mcp_server_image_storage_gbs",
        "mcp_server",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "volume_storage_gbs",
        "volume",
        STORAGE,
        UsagePattern::Steady,
    ),
    metered(
        "custom_domain_active_time_hours",
        "custom_domain",
        1_000_000,
        UsagePattern::Steady,
    ),
];

/// One dimension of one resource.
#[derive(Clone, Copy)]
pub(crate) struct Series<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) metered: &'static Metered,
    key: u64,
}

/// Usage in whole units, and cost in micro-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) usage: u64,
    pub(crate) cost: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, other: Self) {
        self.usage += other.usage;
        self.cost += other.cost;
    }
}

/// The history of one account.
pub(crate) struct History {
    account_id: String,
    resources: Vec<Resource>,
    seed: u64,
    /// The hours in which the account exists. Outside of them there is no usage.
    open: (i64, i64),
}

impl History {
    pub(crate) fn new(seed: u64, workspace: &str) -> Self {
        let open = (day_hour(2025, 1, 1), day_hour(2036, 1, 1));
        Self {
            account_id: format!("acc-{:012x}", mix(seed, u64::MAX) >> 16),
            resources: resources(seed, workspace, open),
            seed,
            open,
        }
    }

    pub(crate) fn account_id(&self) -> &str {
        &self.account_id
    }

    /// Returns every dimension of every resource, in a fixed order.
    pub(crate) fn series(&self) -> impl Iterator<Item = Series<'_>> {
        (0u64..)
            .zip(&self.resources)
            .flat_map(move |(index, resource)| {
                let own = (0u64..).zip(&METERED);
                let own =
                    own.filter(|(_, metered)| metered.resource_type == resource.resource_type);
                own.map(move |(dimension, metered)| Series {
                    resource,
                    metered,
                    key: mix(mix(self.seed, index), 16 + dimension),
                })
            })
    }

    /// Returns the hours of a window in which there can be usage.
    pub(crate) fn hours(&self, window: &Window) -> std::ops::Range<i64> {
        let (start, end) = window.hours();
        start.max(self.open.0)..end.min(self.open.1)
    }

    /// Returns the types of the resources that were used in a window.
    pub(crate) fn resource_types(&self, window: &Window) -> Vec<&'static str> {
        let used = |series: &Series<'_>| self.hours(window).any(|hour| series.at(hour).usage > 0);
        let mut types: Vec<_> = self
            .series()
            .filter(used)
            .map(|series| series.resource.resource_type)
            .collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}

impl Series<'_> {
    /// Returns the usage and cost of an hour.
    pub(crate) fn at(&self, hour: i64) -> Amount {
        let (start, end) = self.resource.lifetime;
        if hour < start || end <= hour {
            return Amount::default();
        }
        let noise = mix(self.key, hour.unsigned_abs());
        let percent = self.metered.shape.percent(hour, noise);
        // Usage that varies swings by up to 50 % from hour to hour; steady usage does not swing.
        let swing = match self.metered.shape {
            UsagePattern::Steady => 100,
            _ => 50 + noise % 101,
        };
        let full = match self.metered.name.rsplit('_').next() {
            Some("gbs") => self.resource.size * 3600,
            Some("hours") => 1,
            _ => self.resource.size * 400,
        };
        // Usage that people cause grows from month to month, for two years.
        let grown = match self.metered.shape {
            UsagePattern::Steady => 100,
            _ => {
                100 + self.resource.growth
                    * ((hour - start) / HOURS_PER_MONTH)
                        .clamp(0, 24)
                        .unsigned_abs()
            }
        };
        let usage = full * percent * swing / 10_000 * grown / 100;
        Amount {
            usage,
            cost: usage * self.metered.price / 1000,
        }
    }
}

impl UsagePattern {
    /// Returns the percentage of the possible usage that occurs in an hour.
    fn percent(self, hour: i64, noise: u64) -> u64 {
        let of_day = hour.rem_euclid(24);
        // 1970-01-01 was a Thursday.
        let weekend = (hour.div_euclid(24) + 3).rem_euclid(7) >= 5;
        match self {
            Self::Steady => 100,
            Self::Office if weekend => 2,
            Self::Office if (8..18).contains(&of_day) => 40,
            Self::Office => 5,
            Self::Nightly if (2..4).contains(&of_day) => 60,
            Self::Bursts if (noise >> 32).is_multiple_of(5) => 30,
            Self::Nightly | Self::Bursts => 0,
        }
    }
}
