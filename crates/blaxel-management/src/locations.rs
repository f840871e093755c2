//! Locations: the regions of the platform and the capabilities of each.

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
    /// A location where workloads can run.
    #[doc(alias = "LocationResponse")]
    pub struct Location {
        /// The region, such as `us-pdx-1`.
        pub region: Option<String>,
        /// A description of the location.
        pub location: Option<String>,
        /// The country code.
        pub country: Option<String>,
        /// The continent code.
        pub continent: Option<String>,
        /// The health, such as `healthy`.
        pub status: Option<String>,
        /// The machine types that are available.
        pub flavors: Option<Vec<Flavor>>,
    }

    /// The regions of the platform, with the countries and continents they belong to.
    pub struct Configuration {
        /// The continents.
        pub continents: Option<Vec<Continent>>,
        /// The countries.
        pub countries: Option<Vec<Country>>,
        /// The regions.
        pub regions: Option<Vec<Region>>,
        /// The locations that users operate themselves.
        pub private_locations: Option<Vec<PrivateLocation>>,
        /// The region that appears to be nearest to the caller; empty if none was detected.
        pub detected_region: Option<String>,
    }

    /// A continent.
    pub struct Continent {
        /// The code.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
    }

    /// A country.
    pub struct Country {
        /// The code.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
    }

    /// A region of the platform.
    pub struct Region {
        /// The name, such as `us-pdx-1`.
        pub name: Option<String>,
        /// A description of the location.
        pub location: Option<String>,
        /// The country code.
        pub country: Option<String>,
        /// The continent code.
        pub continent: Option<String>,
        /// The raw permission for the workspace to use the region; see
        /// [`is_allowed`](Self::is_allowed).
        pub allowed: Option<Value>,
        /// The platform generation of the region.
        pub info_generation: Option<String>,
        /// `true` if drives are available.
        pub drives_available: Option<bool>,
        /// The URL of the drives' S3 endpoint. The API does not document its type; so far it has
        /// been a string.
        pub agent_drive_public_url: Option<Value>,
        /// `true` if egress gateways are available.
        pub egress_available: Option<bool>,
        /// `true` if proxies are available.
        pub proxy_available: Option<bool>,
        /// `true` if the machines that applications and jobs require are available.
        pub mk31_available: Option<bool>,
    }

    /// A location that users operate themselves.
    pub struct PrivateLocation {
        /// The name.
        pub name: Option<String>,
    }
}

resource! { Location { name: region, status: status } }

impl Region {
    /// Returns `true` if the workspace may use the region, or `None` if the server does not say so.
    /// Accepts a boolean and a string that holds one: the server has been seen to send both.
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
    /// Returns the handle for the locations where workloads can run.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for location in management.locations().all().await? {
    ///     println!("{:?}: {:?}", location.region, location.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn locations(&self) -> Collection<Location, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// Returns the regions of the platform and the capabilities of each (`GET /configuration`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let configuration = management.configuration().await?;
    /// for region in configuration.regions.unwrap_or_default() {
    ///     println!("{:?}: drives {:?}", region.name, region.drives_available);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn configuration(&self) -> Result<Configuration, Error> {
        call(&self.service, &Perform::<GetConfiguration>::new()).await
    }
}

impl Listed for Location {
    const LIST: OperationInfo =
        OperationInfo::new("ListLocations", Method::GET, "/locations").with_parameters(&[]);
    type Item = Self;
}

/// Reads the regions of the platform: the operation `GetConfiguration`.
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
    fn a_region_permission_is_read_from_a_boolean_or_a_string() {
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
