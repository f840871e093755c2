//! Public IPs: the addresses from which the platform itself calls out.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, call};
use bytes::Bytes;
use http::Method;

use crate::Management;
use crate::operations::{Action, Perform, json_or_default};

response! {
    /// The addresses from which the platform calls out of one region.
    pub struct PublicIp {
        /// The region in words.
        pub description: Option<String>,
        /// The ranges of IPv4 addresses, in CIDR notation.
        pub ipv4_cidrs: Option<Vec<String>>,
        /// The ranges of IPv6 addresses, in CIDR notation.
        pub ipv6_cidrs: Option<Vec<String>>,
    }
}

impl<S: HttpService> Management<S> {
    /// The addresses from which the platform calls out, by region: `GET /publicIps`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn public_ips(&self) -> Result<BTreeMap<String, PublicIp>, Error> {
        call(&self.service, &Perform::<ListPublicIps>::new()).await
    }

    /// The addresses from which the platform calls out of one region. Only its third generation of
    /// machinery is looked at.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn public_ips_in(&self, region: &str) -> Result<BTreeMap<String, PublicIp>, Error> {
        let list = Perform::<ListPublicIps>::new().query("region", region);
        call(&self.service, &list).await
    }
}

/// Lists the addresses from which the platform calls out: `ListPublicIps`.
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
    fn addresses_are_read_by_region() {
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
    fn a_region_is_asked_for_in_the_query() {
        let list = Perform::<ListPublicIps>::new().query("region", "us-pdx-1");
        let request = list.encode().unwrap();
        assert_eq!(request.uri(), "blaxel://control/publicIps?region=us-pdx-1");
    }
}
