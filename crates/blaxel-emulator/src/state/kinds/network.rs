//! Virtual private clouds, and what is in them.

use crate::state::kind::{Kind, Operations};

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
    ..Kind::RESOURCE
};
