//! Feature flags of a workspace.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::operations::{Action, Perform};

response! {
    /// The enabled features of a workspace.
    #[doc(alias = "getWorkspaceFeatures")]
    pub struct WorkspaceFeatures {
        /// The features by key, each with `true` if it is enabled. The server mostly omits disabled
        /// features.
        pub features: Option<BTreeMap<String, bool>>,
    }

    /// The state of one feature, evaluated for a workspace or an account.
    #[doc(alias = "testFeatureFlag")]
    pub struct FeatureFlag {
        /// The key of the feature.
        pub feature_key: Option<String>,
        /// `true` if the feature is enabled.
        pub enabled: Option<bool>,
        /// The active variant of the feature, if it has several.
        pub variant: Option<String>,
        /// The payload of the variant, in any JSON shape.
        pub payload: Option<Value>,
        /// The time of the evaluation.
        pub evaluated_at: Option<Timestamp>,
    }
}

impl WorkspaceFeatures {
    /// Returns `true` if the feature with this key is enabled.
    #[must_use]
    pub fn is_enabled(&self, key: &str) -> bool {
        let features = self.features.as_ref();
        features.and_then(|features| features.get(key)) == Some(&true)
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the enabled features of the workspace (`GET /features`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let features = management.features().await?;
    /// println!("drives are enabled: {}", features.is_enabled("drives"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn features(&self) -> Result<WorkspaceFeatures, Error> {
        call(&self.service, &Perform::<GetWorkspaceFeatures>::new()).await
    }

    /// Returns the state of one feature for the workspace (`GET /features/{featureKey}`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let flag = management.feature("gpus").await?;
    /// println!("{:?}, variant {:?}", flag.enabled, flag.variant);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the feature does not exist.
    pub async fn feature(&self, key: &str) -> Result<FeatureFlag, Error> {
        call(&self.service, &Perform::<TestFeatureFlag>::on([key])).await
    }

    /// Returns the state of one feature for an account instead of the workspace
    /// (`GET /features/{featureKey}` with `account`).
    ///
    /// The id of the account is the `account_id` of a workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let flag = management.feature_of_account("gpus", "account-id").await?;
    /// println!("{:?}", flag.enabled);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the feature does not exist.
    pub async fn feature_of_account(
        &self,
        key: &str,
        account_id: &str,
    ) -> Result<FeatureFlag, Error> {
        let test = Perform::<TestFeatureFlag>::on([key]).query("account", account_id);
        call(&self.service, &test).await
    }
}

/// Lists the enabled features: the operation `getWorkspaceFeatures`.
#[derive(Clone, Copy, Debug)]
pub struct GetWorkspaceFeatures;

impl Action for GetWorkspaceFeatures {
    const INFO: OperationInfo =
        OperationInfo::new("getWorkspaceFeatures", Method::GET, "/features");
    type Input = ();
    type Output = WorkspaceFeatures;
}

/// Evaluates one feature: the operation `testFeatureFlag`.
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
    fn an_omitted_feature_is_disabled() {
        let features: WorkspaceFeatures =
            serde_json::from_value(json!({"features": {"drives": true, "gpus": false}})).unwrap();
        assert!(features.is_enabled("drives"));
        assert!(!features.is_enabled("gpus") && !features.is_enabled("vpcs"));
        let none: WorkspaceFeatures = serde_json::from_value(json!({"features": null})).unwrap();
        assert!(!none.is_enabled("drives"));
    }

    #[test]
    fn a_flag_is_requested_for_an_account_and_keeps_its_payload() {
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
