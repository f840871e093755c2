//! Public IPs: the source addresses of the platform's outgoing requests.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, call};
use bytes::Bytes;
use http::Method;

use crate::Management;
use crate::operations::{Action, Perform, json_or_default};

response! {
    /// The source addresses of the platform's outgoing requests in one region.
    pub struct PublicIp {
        /// A description of the region.
        pub description: Option<String>,
        /// The IPv4 ranges, in CIDR notation.
        pub ipv4_cidrs: Option<Vec<String>>,
        /// The IPv6 ranges, in CIDR notation.
        pub ipv6_cidrs: Option<Vec<String>>,
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the source addresses of the platform's outgoing requests, by region
    /// (`GET /publicIps`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for (region, ips) in management.public_ips().await? {
    ///     println!("{region}: {}", ips.ipv4_cidrs.unwrap_or_default().join(", "));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn public_ips(&self) -> Result<BTreeMap<String, PublicIp>, Error> {
        call(&self.service, &Perform::<ListPublicIps>::new()).await
    }

    /// Returns the source addresses of one region (`GET /publicIps` with `region`). The server
    /// considers only its third platform generation.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let ips = management.public_ips_in("us-pdx-1").await?;
    /// println!("{:?}", ips.keys());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn public_ips_in(&self, region: &str) -> Result<BTreeMap<String, PublicIp>, Error> {
        let list = Perform::<ListPublicIps>::new().query("region", region);
        call(&self.service, &list).await
    }
}

/// Lists the source addresses of the platform's outgoing requests: the operation `ListPublicIps`.
#[derive(Clone, Copy, Debug)]
pub struct ListPublicIps;

impl Action for ListPublicIps {
    const INFO: OperationInfo =
        OperationInfo::new("ListPublicIps", Method::GET, "/publicIps").with_parameters(&["region"]);
    type Input = ();
    type Output = BTreeMap<String, PublicIp>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;

    #[test]
    fn addresses_are_grouped_by_region() {
        let body = r#"{"us-pdx-1": {"description": "Portland", "ipv4Cidrs": ["203.0.113.0/28"],
            "ipv6Cidrs": null, "later": 1}}"#;
        let response = http::Response::new(Bytes::from_static(body.as_bytes()));
        let ips = Perform::<ListPublicIps>::read(&response).unwrap();
        let portland = &ips["us-pdx-1"];
        assert_eq!(
            portland.ipv4_cidrs.as_deref(),
            Some(&["203.0.113.0/28".to_owned()][..])
        );
        assert_eq!(portland.ipv6_cidrs, None);
    }

    #[test]
    fn the_region_is_sent_as_a_query_parameter() {
        let list = Perform::<ListPublicIps>::new().query("region", "us-pdx-1");
        let request = list.encode().unwrap();
        assert_eq!(request.uri(), "blaxel://control/publicIps?region=us-pdx-1");
    }
}
