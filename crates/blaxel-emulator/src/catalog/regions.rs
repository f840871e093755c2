//! The regions in which workloads can run.

use serde_json::{Value, json};

/// A region.
pub(crate) struct Region {
    pub(crate) name: &'static str,
    location: &'static str,
    country: &'static str,
    continent: &'static str,
    /// Set if the region has GPUs.
    gpu: bool,
    /// The networks that its workloads call from. All are from the ranges reserved for
    /// documentation.
    ipv4: &'static str,
    ipv6: &'static str,
}

/// The continents: code and name.
pub(crate) const CONTINENTS: [(&str, &str); 2] = [("NA", "North America"), ("EU", "Europe")];

/// The countries: code and name.
pub(crate) const COUNTRIES: [(&str, &str); 3] = [
    ("US", "United States"),
    ("GB", "United Kingdom"),
    ("IE", "Ireland"),
];

/// All regions. The first is reported as the nearest one for every client.
pub(crate) const REGIONS: [Region; 4] = [
    Region {
        name: "us-pdx-1",
        location: "Portland",
        country: "US",
        continent: "NA",
        gpu: true,
        ipv4: "192.0.2.0/25",
        ipv6: "2001:db8:1::/48",
    },
    Region {
        name: "us-was-1",
        location: "Washington",
        country: "US",
        continent: "NA",
        gpu: false,
        ipv4: "192.0.2.128/25",
        ipv6: "2001:db8:2::/48",
    },
    Region {
        name: "eu-lon-1",
        location: "London",
        country: "GB",
        continent: "EU",
        gpu: true,
        ipv4: "198.51.100.0/24",
        ipv6: "2001:db8:3::/48",
    },
    Region {
        name: "eu-dub-1",
        location: "Dublin",
        country: "IE",
        continent: "EU",
        gpu: false,
        ipv4: "203.0.113.0/24",
        ipv6: "2001:db8:4::/48",
    },
];

impl Region {
    /// Returns the region as the configuration shows it. `allowed` is a string there.
    pub(crate) fn configuration(&self) -> Value {
        json!({
            "name": self.name,
            "location": self.location,
            "country": self.country,
            "continent": self.continent,
            "allowed": "true",
            "infoGeneration": "mk3",
            "drivesAvailable": true,
            "egressAvailable": true,
            "mk31Available": true,
            "proxyAvailable": true,
        })
    }

    /// Returns the region as a location for policies.
    pub(crate) fn location(&self) -> Value {
        let mut flavors = vec![json!({"name": "cpu", "type": "cpu"})];
        if self.gpu {
            flavors.push(json!({"name": "t4", "type": "gpu"}));
        }
        json!({
            "region": self.name,
            "location": self.location,
            "country": self.country,
            "continent": self.continent,
            "status": "healthy",
            "flavors": flavors,
        })
    }

    /// Returns the addresses that its workloads call from.
    pub(crate) fn addresses(&self) -> Value {
        json!({
            "description": format!("{} ({})", self.location, self.country),
            "ipv4Cidrs": [self.ipv4],
            "ipv6Cidrs": [self.ipv6],
        })
    }
}
