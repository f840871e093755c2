//! Virtual private clouds, their egress gateways and IP addresses.

use serde_json::json;

use crate::state::kind::{Kind, Operations};
use crate::state::member;

pub(crate) static VPCS: Kind = Kind {
    path: "vpcs",
    parameter: "vpcName",
    noun: "VPC",
    operations: Operations {
        list: Some("ListVPCs"),
        create: Some("CreateVPC"),
        get: Some("GetVPC"),
        delete: Some("DeleteVPC"),
        ..Operations::NONE
    },
    ..Kind::RESOURCE
};

pub(crate) static EGRESS_GATEWAYS: Kind = Kind {
    path: "vpcs/{vpcName}/egressgateways",
    parameter: "gatewayName",
    noun: "Egress gateway",
    parent: Some(&VPCS),
    operations: Operations {
        list: Some("ListEgressGateways"),
        create: Some("CreateEgressGateway"),
        get: Some("GetEgressGateway"),
        delete: Some("DeleteEgressGateway"),
        ..Operations::NONE
    },
    parents_in: &["metadata/vpcName"],
    sample: |_| json!({"region": "us-pdx-1"}),
    ..Kind::RESOURCE
};

pub(crate) static EGRESS_IPS: Kind = Kind {
    path: "vpcs/{vpcName}/egressgateways/{gatewayName}/ips",
    parameter: "ipName",
    noun: "Egress IP",
    parent: Some(&EGRESS_GATEWAYS),
    operations: Operations {
        list: Some("ListEgressIPs"),
        create: Some("CreateEgressIP"),
        get: Some("GetEgressIP"),
        delete: Some("DeleteEgressIP"),
        ..Operations::NONE
    },
    parents_in: &["metadata/vpcName", "metadata/gatewayName"],
    read_only: &["spec/publicIp"],
    compute: |_, _, record, shown| {
        let document = shown.to_mut();
        // From the ranges reserved for documentation.
        let address = if member::text(document, "spec/ipFamily") == Some("IPv6") {
            format!("2001:db8::{:x}", record.serial)
        } else {
            format!("203.0.113.{}", record.serial % 254 + 1)
        };
        member::set(document, "spec/publicIp", address.into());
    },
    ..Kind::RESOURCE
};
