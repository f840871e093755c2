//! The labels that identify a group of costs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dimension::{BillingDimension, Dimension};

/// The labels of a group of costs: the dimensions it was grouped by, and those that the server derives
/// from them.
///
/// The server adds the name, type and workspace to a resource id, the type and workspace to a resource
/// name, and the resource type to a billing dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Labels {
    /// The workspace. The server may add it unasked, also for users who are not administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The type of resource, such as `sandbox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The name of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// The id of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_uuid: Option<String>,
    /// The kind of metered usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_dimension: Option<BillingDimension>,
    /// String members that this version does not know, by name.
    #[serde(flatten)]
    pub others: BTreeMap<String, String>,
}

impl Labels {
    /// Returns the value of a dimension, if the response had it.
    ///
    /// ```
    /// use blaxel_billing::{Dimension, Labels};
    ///
    /// let mut labels = Labels::default();
    /// labels.resource_type = Some("sandbox".to_owned());
    /// labels.others.insert("cloudRegion".to_owned(), "us-west-2".to_owned());
    /// assert_eq!(labels.get(&Dimension::ResourceType), Some("sandbox"));
    /// assert_eq!(labels.get(&Dimension::from("cloud_region")), Some("us-west-2"));
    /// assert_eq!(labels.get(&Dimension::Workspace), None);
    /// ```
    #[must_use]
    pub fn get(&self, dimension: &Dimension) -> Option<&str> {
        match dimension {
            Dimension::Workspace => self.workspace.as_deref(),
            Dimension::ResourceType => self.resource_type.as_deref(),
            Dimension::ResourceName => self.resource_name.as_deref(),
            Dimension::ResourceUuid => self.resource_uuid.as_deref(),
            Dimension::BillingDimension => self
                .billing_dimension
                .as_ref()
                .map(BillingDimension::as_str),
            Dimension::Other(_) => self.others.get(&dimension.member()).map(String::as_str),
        }
    }

    /// Sets a label by its name in a response.
    pub(crate) fn set(&mut self, member: String, value: String) {
        match member.as_str() {
            "workspace" => self.workspace = Some(value),
            "resourceType" => self.resource_type = Some(value),
            "resourceName" => self.resource_name = Some(value),
            "resourceUuid" => self.resource_uuid = Some(value),
            "billingDimension" => self.billing_dimension = Some(BillingDimension::from(value)),
            _ => {
                self.others.insert(member, value);
            }
        }
    }

    /// Returns all labels with their names in a response.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = [
            ("workspace", self.workspace.as_deref()),
            ("resourceType", self.resource_type.as_deref()),
            ("resourceName", self.resource_name.as_deref()),
            ("resourceUuid", self.resource_uuid.as_deref()),
            (
                "billingDimension",
                self.billing_dimension
                    .as_ref()
                    .map(BillingDimension::as_str),
            ),
        ];
        let known = known
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        known.chain(
            self.others
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }
}
