//! Features: what is switched on for a workspace.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::operations::{Action, Perform};

response! {
    /// The features that are switched on for a workspace.
    #[doc(alias = "getWorkspaceFeatures")]
    pub struct WorkspaceFeatures {
        /// Whether each is on, by its key. Those that are off are mostly left out.
        pub features: Option<BTreeMap<String, bool>>,
    }

    /// How one feature is switched, and for whom exactly.
    #[doc(alias = "testFeatureFlag")]
    pub struct FeatureFlag {
        /// The key of the feature.
        pub feature_key: Option<String>,
        /// Whether it is on.
        pub enabled: Option<bool>,
        /// Which variant of it is on, where there are several.
        pub variant: Option<String>,
        /// The particulars of the variant, of any shape.
        pub payload: Option<Value>,
        /// When that was worked out.
        pub evaluated_at: Option<Timestamp>,
    }
}

impl WorkspaceFeatures {
    /// Whether the feature of that key is on.
    #[must_use]
    pub fn is_enabled(&self, key: &str) -> bool {
        let features = self.features.as_ref();
        features.and_then(|features| features.get(key)) == Some(&true)
    }
}

impl<S: HttpService> Management<S> {
    /// The features that are switched on for the workspace: `GET /features`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn features(&self) -> Result<WorkspaceFeatures, Error> {
        call(&self.service, &Perform::<GetWorkspaceFeatures>::new()).await
    }

    /// How one feature is switched for the workspace: `GET /features/{featureKey}`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such feature.
    pub async fn feature(&self, key: &str) -> Result<FeatureFlag, Error> {
        call(&self.service, &Perform::<TestFeatureFlag>::on([key])).await
    }

    /// How one feature is switched for an account, rather than for the workspace.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such feature.
    pub async fn feature_of_account(
        &self,
        key: &str,
        account_id: &str,
    ) -> Result<FeatureFlag, Error> {
        let test = Perform::<TestFeatureFlag>::on([key]).query("account", account_id);
        call(&self.service, &test).await
    }
}

/// Lists the features that are switched on: `getWorkspaceFeatures`.
#[derive(Clone, Copy, Debug)]
pub struct GetWorkspaceFeatures;

impl Action for GetWorkspaceFeatures {
    const INFO: OperationInfo =
        OperationInfo::new("getWorkspaceFeatures", Method::GET, "/features");
    type Input = ();
    type Output = WorkspaceFeatures;
}

/// Tells how one feature is switched: `testFeatureFlag`.
#[derive(Clone, Copy, Debug)]
pub struct TestFeatureFlag;

impl Action for TestFeatureFlag {
    const INFO: OperationInfo =
        OperationInfo::new("testFeatureFlag", Method::GET, "/features/{featureKey}")
            .with_parameters(&["account"]);
    type Input = ();
    type Output = FeatureFlag;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    #[test]
    fn a_feature_that_is_left_out_is_off() {
        let features: WorkspaceFeatures =
            serde_json::from_value(json!({"features": {"drives": true, "gpus": false}})).unwrap();
        assert!(features.is_enabled("drives"));
        assert!(!features.is_enabled("gpus") && !features.is_enabled("vpcs"));
        let none: WorkspaceFeatures = serde_json::from_value(json!({"features": null})).unwrap();
        assert!(!none.is_enabled("drives"));
    }

    #[test]
    fn a_flag_is_asked_for_by_account_and_its_payload_is_kept() {
        let test = Perform::<TestFeatureFlag>::on(["gpus"]).query("account", "acc-1");
        assert_eq!(
            test.encode().unwrap().uri(),
            "blaxel://control/features/gpus?account=acc-1"
        );
        let flag: FeatureFlag = serde_json::from_value(json!({
            "featureKey": "gpus", "enabled": true, "variant": "large",
            "payload": {"most": 4}, "evaluatedAt": "2026-05-01T10:00:00Z",
        }))
        .unwrap();
        assert_eq!(flag.payload, Some(json!({"most": 4})));
        assert!(flag.evaluated_at.unwrap().unix().is_some());
    }
}
