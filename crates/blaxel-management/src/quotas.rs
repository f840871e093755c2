//! Quotas: the limits on an account's use of the platform.

use blaxel_core::{Error, HttpService, OperationInfo, call, open_enum};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Management;
use crate::operations::{Action, Perform, json_or_default};

/// The quotas of an account.
///
/// ```
/// use blaxel_core::{Error, HttpService};
/// use blaxel_management::Management;
/// use blaxel_management::quotas::QuotaKind;
///
/// async fn longest_life(
///     management: &Management<impl HttpService>,
///     account_id: &str,
/// ) -> Result<Option<f64>, Error> {
///     let quotas = management.quotas(account_id).await?;
///     Ok(quotas.number(&QuotaKind::SandboxTtl))
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quotas(Vec<Quota>);

response! {
    /// The quota of an account for one thing.
    pub struct Quota {
        /// The thing that is limited.
        pub resource_type: Option<QuotaKind>,
        /// The limit. The API does not document its type; it is mostly a number.
        pub value: Option<Value>,
    }
}

open_enum! {
    /// The subject of a quota. The server knows more than these.
    pub enum QuotaKind {
        /// The memory.
        Memory = "memory",
        /// The maximum lifetime of a sandbox, in days.
        SandboxTtl = "sandbox_ttl",
        /// A flag: the lifetime of a sandbox is limited even if its own settings say otherwise.
        SandboxEnforcedTtl = "sandbox_enforced_ttl",
    }
}

impl Quotas {
    /// Returns the quota for a subject, if there is one.
    #[must_use]
    pub fn get(&self, kind: &QuotaKind) -> Option<&Quota> {
        let mut quotas = self.0.iter();
        quotas.find(|quota| quota.resource_type.as_ref() == Some(kind))
    }

    /// Returns the numeric value of the quota for a subject, or `None` if there is none or it is
    /// not a number.
    #[must_use]
    pub fn number(&self, kind: &QuotaKind) -> Option<f64> {
        self.get(kind)?.number()
    }

    /// Returns an iterator over all quotas.
    pub fn iter(&self) -> std::slice::Iter<'_, Quota> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Quotas {
    type Item = &'a Quota;
    type IntoIter = std::slice::Iter<'a, Quota>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Quotas {
    type Item = Quota;
    type IntoIter = std::vec::IntoIter<Quota>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Quota {
    /// Returns the limit as a number, or `None` if it is neither a number nor a string that holds
    /// one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.value.as_ref()? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the quotas of an account (`GET /quotas/account/{accountId}`).
    ///
    /// The id is the `account_id` of a workspace. See [`Quotas`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn quotas(&self, account_id: &str) -> Result<Quotas, Error> {
        call(
            &self.service,
            &Perform::<GetAccountQuotas>::on([account_id]),
        )
        .await
    }
}

/// Reads the quotas of an account. The API's description does not have this operation.
#[derive(Clone, Copy, Debug)]
pub struct GetAccountQuotas;

impl Action for GetAccountQuotas {
    const INFO: OperationInfo = OperationInfo::new(
        "GetAccountQuotas",
        Method::GET,
        "/quotas/account/{accountId}",
    );
    type Input = ();
    type Output = Quotas;

    fn read(response: &http::Response<Bytes>) -> Result<Quotas, Error> {
        json_or_default(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_found_and_parsed_for_any_value_type() {
        let body = r#"[
            {"resourceType": "memory", "value": 65536},
            {"resourceType": "sandbox_ttl", "value": "30"},
            {"resourceType": "sandbox_enforced_ttl", "value": true, "id": 1},
            {"resourceType": "brand_new", "value": 1.5},
            {"resourceType": "odd", "value": {"most": 1}}
        ]"#;
        let response = http::Response::new(Bytes::from_static(body.as_bytes()));
        let quotas = GetAccountQuotas::read(&response).unwrap();
        assert_eq!(quotas.iter().count(), 5);
        for (kind, expected) in [
            (QuotaKind::Memory, Some(65536.0)),
            (QuotaKind::SandboxTtl, Some(30.0)),
            (QuotaKind::SandboxEnforcedTtl, None),
            (QuotaKind::from("brand_new"), Some(1.5)),
            (QuotaKind::from("odd"), None),
            (QuotaKind::from("not_there"), None),
        ] {
            assert_eq!(quotas.number(&kind), expected, "{kind}");
        }
        let enforced = quotas.get(&QuotaKind::SandboxEnforcedTtl).unwrap();
        assert_eq!(enforced.value, Some(Value::Bool(true)));
    }
}
