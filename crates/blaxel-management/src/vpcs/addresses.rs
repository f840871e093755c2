//! Egress IPs: the public addresses from which the traffic of a gateway comes.

use blaxel_core::{Error, Idempotency, OperationInfo, Timestamp, open_enum};
use bytes::Bytes;
use http::Method;

use crate::kind::{Created, Deleted, Fetched, Listed};
use crate::metadata::{Event, Status};
use crate::operations::{Action, json_or_default};

document! {
    /// A public address of an egress gateway.
    ///
    /// ```
    /// use blaxel_management::vpcs::{EgressIp, EgressIpSpec, IpFamily};
    ///
    /// let first = EgressIp::new("first");
    /// assert_eq!(first.spec.ip_family, IpFamily::V4);
    /// let second = EgressIp::new("second").spec(EgressIpSpec::new(IpFamily::V6));
    /// # let _ = second;
    /// ```
    #[doc(alias = "EgressIP")]
    pub struct EgressIp {
        pub metadata: EgressIpMetadata,
        pub spec: EgressIpSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// The name of an egress IP, and what the platform notes about it.
    #[doc(alias = "EgressIPMetadata")]
    pub struct EgressIpMetadata {
        /// What it is called within its gateway: lower-case letters, digits and hyphens, at most 49 of
        /// them. It cannot be changed.
        pub name: String,
        /// What people are shown instead of the name, at most 63 characters.
        pub display_name: Option<String>,
        /// The gateway it belongs to.
        #[server]
        pub gateway_name: Option<String>,
        /// The VPC it belongs to.
        #[server]
        pub vpc_name: Option<String>,
        /// The workspace it belongs to.
        #[server]
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// What an egress IP is to be.
    #[doc(alias = "EgressIPSpec")]
    pub struct EgressIpSpec {
        /// The version of IP it is an address of. The server takes IPv4 by default.
        pub ip_family: IpFamily,
        /// The address, once it is there.
        #[server]
        pub public_ip: Option<String>,
    }
}

open_enum! {
    /// A version of the Internet Protocol.
    #[derive(Default)]
    pub enum IpFamily {
        /// IPv4.
        #[default]
        V4 = "IPv4",
        /// IPv6.
        V6 = "IPv6",
    }
}

resource! { EgressIp { metadata: metadata, status: status } }

impl Listed for EgressIp {
    const LIST: OperationInfo = OperationInfo::new(
        "ListEgressIPs",
        Method::GET,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}/ips",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for EgressIp {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateEgressIP",
        Method::POST,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}/ips",
    )
    .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for EgressIp {
    const GET: OperationInfo = OperationInfo::new(
        "GetEgressIP",
        Method::GET,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}/ips/{ipName}",
    );
}

impl Deleted for EgressIp {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteEgressIP",
        Method::DELETE,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}/ips/{ipName}",
    );
    type Response = Self;
}

/// Lists the egress IPs of all gateways: `ListAllEgressIPs`.
#[derive(Clone, Copy, Debug)]
pub struct ListAllEgressIps;

impl Action for ListAllEgressIps {
    const INFO: OperationInfo = OperationInfo::new("ListAllEgressIPs", Method::GET, "/egressips");
    type Input = ();
    type Output = Vec<EgressIp>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

#[cfg(feature = "wait")]
crate::wait::watched! { EgressIp }

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_family_is_always_sent_and_an_unknown_one_survives() {
        let sent = serde_json::to_value(EgressIp::new("first")).unwrap();
        assert_eq!(
            sent,
            json!({"metadata": {"name": "first"}, "spec": {"ipFamily": "IPv4"}})
        );
        let document = json!({
            "metadata": {"name": "first", "gatewayName": "west", "vpcName": "office"},
            "spec": {"ipFamily": "IPv8", "publicIp": "203.0.113.7"},
        });
        let ip: EgressIp = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(ip.spec.public_ip.as_deref(), Some("203.0.113.7"));
        assert_eq!(serde_json::to_value(ip).unwrap(), document);
    }
}
