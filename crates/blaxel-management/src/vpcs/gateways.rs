//! Egress gateways: the points where a VPC's traffic leaves a region.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Timestamp};
use bytes::Bytes;
use http::Method;

use super::EgressIp;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Fetched, Listed};
use crate::metadata::{Event, Status};
use crate::operations::{Action, json_or_default};

document! {
    /// An egress gateway of a VPC.
    pub struct EgressGateway {
        pub metadata: EgressGatewayMetadata,
        pub spec: EgressGatewaySpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// The name and the server-side metadata of an egress gateway.
    pub struct EgressGatewayMetadata {
        /// The name, unique within the VPC: lower-case letters, digits and hyphens, at most 49 of
        /// them. It cannot be changed.
        pub name: String,
        /// The display name, at most 63 characters.
        pub display_name: Option<String>,
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

    /// The desired state of an egress gateway.
    pub struct EgressGatewaySpec {
        /// The region, such as `us-pdx-1`.
        pub region: String,
    }
}

resource! { EgressGateway { metadata: metadata, status: status } }

impl EgressGateway {
    /// Sets the region, which is required.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.spec.region = region.into();
        self
    }
}

impl<S: HttpService> Collection<EgressGateway, S> {
    /// Returns the handle for the egress IPs of a gateway.
    ///
    /// See [`Vpc`](super::Vpc) for an example.
    #[must_use]
    pub fn ips(&self, gateway: &str) -> Collection<EgressIp, S> {
        self.under(gateway)
    }
}

impl Listed for EgressGateway {
    const LIST: OperationInfo = OperationInfo::new(
        "ListEgressGateways",
        Method::GET,
        "/vpcs/{vpcName}/egressgateways",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for EgressGateway {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateEgressGateway",
        Method::POST,
        "/vpcs/{vpcName}/egressgateways",
    )
    .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;

    fn with_region(draft: &Self, region: &str) -> Option<Self> {
        draft
            .spec
            .region
            .is_empty()
            .then(|| draft.clone().region(region))
    }
}

impl Fetched for EgressGateway {
    const GET: OperationInfo = OperationInfo::new(
        "GetEgressGateway",
        Method::GET,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}",
    );
}

impl Deleted for EgressGateway {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteEgressGateway",
        Method::DELETE,
        "/vpcs/{vpcName}/egressgateways/{gatewayName}",
    );
    type Response = Self;
}

/// Lists the egress gateways of all VPCs: the operation `ListAllEgressGateways`.
#[derive(Clone, Copy, Debug)]
pub struct ListAllEgressGateways;

impl Action for ListAllEgressGateways {
    const INFO: OperationInfo =
        OperationInfo::new("ListAllEgressGateways", Method::GET, "/egressgateways");
    type Input = ();
    type Output = Vec<EgressGateway>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

/// Lists the sandboxes that use each egress gateway: the operation `GetEgressGatewayUsage`.
#[derive(Clone, Copy, Debug)]
pub struct GetEgressGatewayUsage;

impl Action for GetEgressGatewayUsage {
    const INFO: OperationInfo = OperationInfo::new(
        "GetEgressGatewayUsage",
        Method::GET,
        "/egressgateways/usage",
    );
    type Input = ();
    type Output = BTreeMap<String, Vec<String>>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        type Usage = BTreeMap<String, Option<Vec<String>>>;
        let usage = json_or_default::<Usage>(response)?;
        let named = |(gateway, sandboxes): (String, Option<Vec<String>>)| {
            (gateway, sandboxes.unwrap_or_default())
        };
        Ok(usage.into_iter().map(named).collect())
    }
}

#[cfg(feature = "wait")]
crate::wait::watched! { EgressGateway }
