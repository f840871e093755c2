//! Locations: the regions of the platform, and what is to be had in each.

use blaxel_core::{Error, HttpService, OperationInfo, call};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::Listed;
use crate::metadata::Flavor;
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;

response! {
    /// A place where workloads can run.
    #[doc(alias = "LocationResponse")]
    pub struct Location {
        /// The region, such as `us-pdx-1`.
        pub region: Option<String>,
        /// The place in words.
        pub location: Option<String>,
        /// The code of its country.
        pub country: Option<String>,
        /// The code of its continent.
        pub continent: Option<String>,
        /// How it is, such as `healthy`.
        pub status: Option<String>,
        /// The kinds of machine there.
        pub flavors: Option<Vec<Flavor>>,
    }

    /// The regions of the platform, and the larger areas they lie in.
    pub struct Configuration {
        /// The continents.
        pub continents: Option<Vec<Continent>>,
        /// The countries.
        pub countries: Option<Vec<Country>>,
        /// The regions.
        pub regions: Option<Vec<Region>>,
        /// Places that users run themselves.
        pub private_locations: Option<Vec<PrivateLocation>>,
        /// The region that seems to be the nearest to the caller; empty if none does.
        pub detected_region: Option<String>,
    }

    /// A continent.
    pub struct Continent {
        /// Its code.
        pub name: Option<String>,
        /// What people are shown instead of the code.
        pub display_name: Option<String>,
    }

    /// A country.
    pub struct Country {
        /// Its code.
        pub name: Option<String>,
        /// What people are shown instead of the code.
        pub display_name: Option<String>,
    }

    /// A region of the platform.
    pub struct Region {
        /// Its name, such as `us-pdx-1`.
        pub name: Option<String>,
        /// The place in words.
        pub location: Option<String>,
        /// The code of its country.
        pub country: Option<String>,
        /// The code of its continent.
        pub continent: Option<String>,
        /// Whether the workspace may use it, as the server writes it; see
        /// [`is_allowed`](Self::is_allowed).
        pub allowed: Option<Value>,
        /// The generation of the platform's machinery there.
        pub info_generation: Option<String>,
        /// Whether there are drives.
        pub drives_available: Option<bool>,
        /// The address of the drives there, which speak S3. The API does not say of what type it is; a
        /// string, as far as known.
        pub agent_drive_public_url: Option<Value>,
        /// Whether there are egress gateways.
        pub egress_available: Option<bool>,
        /// Whether there are proxies.
        pub proxy_available: Option<bool>,
        /// Whether there are the machines that applications and jobs need.
        pub mk31_available: Option<bool>,
    }

    /// A place that users run themselves.
    pub struct PrivateLocation {
        /// Its name.
        pub name: Option<String>,
    }
}

resource! { Location { name: region, status: status } }

impl Region {
    /// Whether the workspace may use it, or `None` if the server does not say so. It is read from a
    /// boolean, and from a text that holds one: the server has been seen to send either.
    #[must_use]
    pub fn is_allowed(&self) -> Option<bool> {
        match self.allowed.as_ref()? {
            Value::Bool(allowed) => Some(*allowed),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl<S: HttpService> Management<S> {
    /// The places where workloads can run.
    #[must_use]
    pub fn locations(&self) -> Collection<Location, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// The regions of the platform, and what is to be had in each: `GET /configuration`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn configuration(&self) -> Result<Configuration, Error> {
        call(&self.service, &Perform::<GetConfiguration>::new()).await
    }
}

impl Listed for Location {
    const LIST: OperationInfo =
        OperationInfo::new("ListLocations", Method::GET, "/locations").with_parameters(&[]);
    type Item = Self;
}

/// Reads the regions of the platform: `GetConfiguration`.
#[derive(Clone, Copy, Debug)]
pub struct GetConfiguration;

impl Action for GetConfiguration {
    const INFO: OperationInfo =
        OperationInfo::new("GetConfiguration", Method::GET, "/configuration");
    type Input = ();
    type Output = Configuration;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_region_is_read_whatever_type_its_permission_has() {
        for (allowed, expected) in [
            (json!(true), Some(true)),
            (json!("false"), Some(false)),
            (json!("Portland"), None),
            (json!(["a"]), None),
            (Value::Null, None),
        ] {
            let document = json!({
                "name": "us-pdx-1", "allowed": allowed, "mk31Available": true,
                "agentDrivePublicUrl": "https://drives.example.com", "infoGeneration": "mk3",
            });
            let region: Region = serde_json::from_value(document).unwrap();
            assert_eq!(region.is_allowed(), expected, "{allowed}");
            assert_eq!(region.mk31_available, Some(true));
            assert!(region.agent_drive_public_url.is_some());
        }
    }
}
