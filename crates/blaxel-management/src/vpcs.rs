//! VPCs: private networks of a workspace, whose traffic leaves from fixed public addresses.
//!
//! A VPC has egress gateways, each in one region. A gateway has egress IPs: the public addresses
//! that other hosts see. None of these can be changed after creation.

mod addresses;
mod gateways;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, call};
use http::Method;
use serde_json::Value;

pub use self::addresses::{EgressIp, EgressIpMetadata, EgressIpSpec, IpFamily, ListAllEgressIps};
pub use self::gateways::{
    EgressGateway, EgressGatewayMetadata, EgressGatewaySpec, GetEgressGatewayUsage,
    ListAllEgressGateways,
};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Fetched, Listed};
use crate::metadata::{Event, Metadata, Status};
use crate::operations::Perform;
use crate::parent_path::ParentPath;

document! {
    /// A VPC.
    ///
    /// ```
    /// use blaxel_core::{Error, HttpService};
    /// use blaxel_management::Management;
    /// use blaxel_management::vpcs::{EgressGateway, EgressIp, Vpc};
    ///
    /// async fn fixed_address(management: &Management<impl HttpService>) -> Result<EgressIp, Error> {
    ///     let vpcs = management.vpcs();
    ///     vpcs.create(&Vpc::new("office")).await?;
    ///     let gateways = vpcs.gateways("office");
    ///     gateways.create(&EgressGateway::new("west").region("us-pdx-1")).await?;
    ///     gateways.ips("west").create(&EgressIp::new("first")).await
    /// }
    /// ```
    #[doc(alias = "VPC")]
    pub struct Vpc {
        pub metadata: Metadata,
        pub spec: BTreeMap<String, Value>,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

resource! { Vpc { metadata: metadata, labels: metadata.labels, status: status } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the VPCs of the workspace.
    ///
    /// See [`Vpc`] for an example.
    #[must_use]
    pub fn vpcs(&self) -> Collection<Vpc, S> {
        Collection::new(self.service.clone(), ParentPath::root()).in_region(self.region.clone())
    }
}

impl<S: HttpService> Collection<Vpc, S> {
    /// Returns the handle for the egress gateways of a VPC.
    ///
    /// See [`Vpc`] for an example.
    #[must_use]
    pub fn gateways(&self, vpc: &str) -> Collection<EgressGateway, S> {
        self.under(vpc)
    }

    /// Returns the egress gateways of all VPCs (`GET /egressgateways`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for gateway in management.vpcs().all_gateways().await? {
    ///     println!("{} in {}", gateway.metadata.name, gateway.spec.region);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn all_gateways(&self) -> Result<Vec<EgressGateway>, Error> {
        call(&self.service, &Perform::<ListAllEgressGateways>::new()).await
    }

    /// Returns the egress IPs of all gateways (`GET /egressips`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for ip in management.vpcs().all_ips().await? {
    ///     println!("{}: {:?}", ip.metadata.name, ip.spec.public_ip);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn all_ips(&self) -> Result<Vec<EgressIp>, Error> {
        call(&self.service, &Perform::<ListAllEgressIps>::new()).await
    }

    /// Returns the names of the sandboxes that send through each egress gateway, by name of the
    /// gateway (`GET /egressgateways/usage`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for (gateway, sandboxes) in management.vpcs().gateway_usage().await? {
    ///     println!("{gateway}: {}", sandboxes.join(", "));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn gateway_usage(&self) -> Result<BTreeMap<String, Vec<String>>, Error> {
        call(&self.service, &Perform::<GetEgressGatewayUsage>::new()).await
    }
}

impl Listed for Vpc {
    const LIST: OperationInfo =
        OperationInfo::new("ListVPCs", Method::GET, "/vpcs").with_parameters(&[]);
    type Item = Self;
}

impl Created for Vpc {
    const CREATE: OperationInfo = OperationInfo::new("CreateVPC", Method::POST, "/vpcs")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Vpc {
    const GET: OperationInfo = OperationInfo::new("GetVPC", Method::GET, "/vpcs/{vpcName}");
}

impl Deleted for Vpc {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteVPC", Method::DELETE, "/vpcs/{vpcName}");
    type Response = Self;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Vpc }

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use bytes::Bytes;
    use serde_json::json;

    fn response(body: &Value) -> http::Response<Bytes> {
        http::Response::new(Bytes::from(body.to_string()))
    }

    #[test]
    fn a_vpc_sends_an_empty_spec() {
        let sent = serde_json::to_value(Vpc::new("office")).unwrap();
        assert_eq!(sent, json!({"metadata": {"name": "office"}, "spec": {}}));
    }

    #[test]
    fn unknown_members_of_a_spec_are_kept() {
        let document = json!({
            "metadata": {"name": "office"},
            "spec": {"cidr": "10.0.0.0/8", "peers": [{"id": 1}]},
            "status": "DEPLOYED",
        });
        let vpc: Vpc = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(serde_json::to_value(vpc).unwrap(), document);
    }

    #[test]
    fn the_path_of_a_nested_resource_contains_its_parents() {
        let parent = ParentPath::root().join("office").join("west");
        let get = crate::operations::Get::<EgressIp>::new("first").within(&parent);
        let request = get.encode().unwrap();
        assert_eq!(
            request.uri(),
            "blaxel://control/vpcs/office/egressgateways/west/ips/first"
        );
    }

    #[test]
    fn a_gateway_without_sandboxes_has_an_empty_list_in_the_usage() {
        let read = <Perform<'_, GetEgressGatewayUsage> as Operation>::read;
        let usage = read(&response(&json!({"west": ["a", "b"], "east": null}))).unwrap();
        assert_eq!(usage["west"], ["a", "b"]);
        assert!(usage["east"].is_empty());
        assert!(read(&response(&Value::Null)).unwrap().is_empty());
    }
}
