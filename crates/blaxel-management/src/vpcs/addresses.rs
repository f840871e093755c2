//! Egress IPs: the public source addresses of a gateway's traffic.

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
    /// The name and the server-side metadata of an egress IP.
    #[doc(alias = "EgressIPMetadata")]
    pub struct EgressIpMetadata {
        /// The name, unique within the gateway: lower-case letters, digits and hyphens, at most 49
        /// of them. It cannot be changed.
        pub name: String,
        /// The display name, at most 63 characters.
        pub display_name: Option<String>,
        /// The gateway that it belongs to.
        #[server]
        pub gateway_name: Option<String>,
        /// The VPC that it belongs to.
        #[server]
        pub vpc_name: Option<String>,
        /// The workspace that it belongs to.
        #[server]
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// The desired state of an egress IP, and its address.
    #[doc(alias = "EgressIPSpec")]
    pub struct EgressIpSpec {
        /// The IP version. The server's default is IPv4.
        pub ip_family: IpFamily,
        /// The address, once it is assigned.
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

/// Lists the egress IPs of all gateways: the operation `ListAllEgressIPs`.
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
    fn the_ip_family_is_always_sent_and_an_unknown_one_is_kept() {
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
