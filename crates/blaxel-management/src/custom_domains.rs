//! Custom domains: names of the user's own, under which previews and applications are reached.
//!
//! A domain works once it is verified: the records that its `spec` names have to be in the DNS, and
//! [`verify`](Collection::verify) has the platform look for them.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Timestamp, call, open_enum};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::VerificationStatus;
use crate::operations::{Action, Perform, json_or_default};
use crate::parent_path::ParentPath;

document! {
    /// A custom domain.
    ///
    /// ```
    /// use blaxel_management::custom_domains::{CustomDomain, DomainKind};
    ///
    /// let domain = CustomDomain::new("preview.example.com")
    ///     .domain_type(DomainKind::Previews)
    ///     .region("us-pdx-1");
    /// # let _ = domain;
    /// ```
    pub struct CustomDomain {
        pub metadata: CustomDomainMetadata,
        pub spec: CustomDomainSpec,
    }
}

record! {
    /// The name of a custom domain, and what the platform notes about it.
    pub struct CustomDomainMetadata {
        /// The domain, such as `preview.example.com`.
        pub name: String,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// Labels of the user's own.
        pub labels: Option<BTreeMap<String, String>>,
        /// The workspace that owns it, if that is another one of the account.
        #[server]
        pub shared_from_workspace: Option<String>,
        /// The workspace it belongs to.
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// What a custom domain is to be, and how far it has come.
    pub struct CustomDomainSpec {
        /// What is reached under it.
        pub domain_type: Option<DomainKind>,
        /// The region it belongs to.
        pub region: Option<String>,
        /// The preview that answers where no other one is found.
        pub fallback_preview_id: Option<String>,
        /// Further names for the certificate of an application's domain. The API does not say of what
        /// type they are; strings, as far as known.
        pub subject_alternative_names: Option<Vec<Value>>,
        /// What the CNAME record of the domain must point to.
        pub cname_records: Option<String>,
        /// The TXT records that prove who owns the domain, by name.
        pub txt_records: Option<BTreeMap<String, String>>,
        pub status: Option<VerificationStatus>,
        /// Why it could not be verified.
        #[server]
        pub verification_error: Option<String>,
        /// When the records were looked for last.
        #[server]
        pub last_verified_at: Option<Timestamp>,
    }
}

record! {
    /// To whom a custom domain is to be lent.
    #[doc(alias = "ShareCustomDomain.request")]
    pub struct CustomDomainShare {
        /// The name of a workspace of the same account, or [`WHOLE_ACCOUNT`].
        pub target_workspace: String,
    }
}

/// Stands for all workspaces of the account where a domain is shared.
pub const WHOLE_ACCOUNT: &str = "account";

response! {
    /// A workspace, or the whole account, that a custom domain is lent to.
    pub struct CustomDomainShareTarget {
        /// The name of the workspace, or [`WHOLE_ACCOUNT`].
        pub workspace: String,
        /// What people are shown instead of the name; empty for the whole account.
        pub workspace_display_name: Option<String>,
        /// Where the share stands. Within an account it is `active` at once.
        pub status: String,
    }
}

open_enum! {
    /// What is reached under a custom domain.
    pub enum DomainKind {
        /// Previews of sandboxes, each under a name below the domain.
        Previews = "previews",
        /// An application.
        Applications = "applications",
    }
}

resource! { CustomDomain { metadata: metadata, labels: metadata.labels, status: spec.status } }

resource! { CustomDomainShareTarget { name: workspace, status: status } }

deep_setters! { CustomDomain:
    spec CustomDomainSpec { domain_type: DomainKind, region: String, fallback_preview_id: String }
}

impl CustomDomain {
    /// Whether it is verified, and so can be used.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.spec.status == Some(VerificationStatus::Verified)
    }
}

impl<S: HttpService> Management<S> {
    /// The custom domains of the workspace.
    #[must_use]
    pub fn custom_domains(&self) -> Collection<CustomDomain, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<CustomDomain, S> {
    /// Makes a custom domain for one application:
    /// `POST /applications/{applicationName}/customdomains`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such application, else what the call failed with.
    pub async fn create_for_application(
        &self,
        application: &str,
        domain: &CustomDomain,
    ) -> Result<CustomDomain, Error> {
        let create = Perform::<CreateApplicationCustomDomain>::on([application]).input(domain);
        call(&self.service, &create).await
    }

    /// Has the platform look for the records of a domain: `POST /customdomains/{domainName}/verify`.
    ///
    /// It may take a while until they are seen. With the feature `wait`, `wait_until` with
    /// [`CustomDomain::is_verified`] waits for that.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name.
    pub async fn verify(&self, domain: &str) -> Result<CustomDomain, Error> {
        call(&self.service, &Perform::<VerifyCustomDomain>::on([domain])).await
    }

    /// To whom a domain is lent: `GET /customdomains/{domainName}/share`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name.
    pub async fn shares(&self, domain: &str) -> Result<Vec<CustomDomainShareTarget>, Error> {
        let list = Perform::<ListCustomDomainShares>::on([domain]);
        call(&self.service, &list).await
    }

    /// Lends a verified domain to another workspace of the same account, or to all of them with
    /// [`WHOLE_ACCOUNT`]: `POST /customdomains/{domainName}/share`.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if it is lent to that one already; [`Error::is_not_found`] if there is no
    /// such domain or workspace.
    pub async fn share(&self, domain: &str, target_workspace: &str) -> Result<CustomDomain, Error> {
        let share = CustomDomainShare::new(target_workspace);
        let share = Perform::<ShareCustomDomain>::on([domain]).input(&share);
        call(&self.service, &share).await
    }

    /// Takes a domain back from a workspace that it was lent to:
    /// `DELETE /customdomains/{domainName}/share/{targetWorkspace}`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if it was not lent to that one.
    pub async fn unshare(
        &self,
        domain: &str,
        target_workspace: &str,
    ) -> Result<CustomDomain, Error> {
        let unshare = Perform::<UnshareCustomDomain>::on([domain, target_workspace]);
        call(&self.service, &unshare).await
    }
}

impl Listed for CustomDomain {
    const LIST: OperationInfo =
        OperationInfo::new("ListCustomDomains", Method::GET, "/customdomains").with_parameters(&[]);
    type Item = Self;
}

impl Created for CustomDomain {
    const CREATE: OperationInfo =
        OperationInfo::new("CreateCustomDomain", Method::POST, "/customdomains")
            .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for CustomDomain {
    const GET: OperationInfo = OperationInfo::new(
        "GetCustomDomain",
        Method::GET,
        "/customdomains/{domainName}",
    );
}

impl Replaced for CustomDomain {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateCustomDomain",
        Method::PUT,
        "/customdomains/{domainName}",
    );
}

impl Applied for CustomDomain {}

impl Deleted for CustomDomain {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteCustomDomain",
        Method::DELETE,
        "/customdomains/{domainName}",
    );
    type Response = Self;
}

#[cfg(feature = "wait")]
impl crate::wait::Watched for CustomDomain {
    fn stage(&self) -> String {
        let spec = &self.spec;
        format!(
            "{:?} {:?} {:?}",
            spec.status, spec.last_verified_at, spec.verification_error
        )
    }

    fn failure(&self) -> Option<String> {
        let failed = self.spec.status == Some(VerificationStatus::Failed);
        failed.then(|| match &self.spec.verification_error {
            Some(problem) => format!("could not be verified: {problem}"),
            None => "could not be verified".to_owned(),
        })
    }
}

/// Makes a custom domain for one application: `CreateApplicationCustomDomain`.
#[derive(Clone, Copy, Debug)]
pub struct CreateApplicationCustomDomain;

impl Action for CreateApplicationCustomDomain {
    const INFO: OperationInfo = OperationInfo::new(
        "CreateApplicationCustomDomain",
        Method::POST,
        "/applications/{applicationName}/customdomains",
    )
    .with_idempotency(Idempotency::ClientNamed);
    type Input = CustomDomain;
    type Output = CustomDomain;
}

/// Has the records of a domain looked for: `VerifyCustomDomain`.
#[derive(Clone, Copy, Debug)]
pub struct VerifyCustomDomain;

impl Action for VerifyCustomDomain {
    // To look twice leads to what the second look sees.
    const INFO: OperationInfo = OperationInfo::new(
        "VerifyCustomDomain",
        Method::POST,
        "/customdomains/{domainName}/verify",
    )
    .with_idempotency(Idempotency::Idempotent);
    type Input = ();
    type Output = CustomDomain;
}

/// Lists to whom a domain is lent: `ListCustomDomainShares`.
#[derive(Clone, Copy, Debug)]
pub struct ListCustomDomainShares;

impl Action for ListCustomDomainShares {
    const INFO: OperationInfo = OperationInfo::new(
        "ListCustomDomainShares",
        Method::GET,
        "/customdomains/{domainName}/share",
    );
    type Input = ();
    type Output = Vec<CustomDomainShareTarget>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

/// Lends a domain: `ShareCustomDomain`.
#[derive(Clone, Copy, Debug)]
pub struct ShareCustomDomain;

impl Action for ShareCustomDomain {
    const INFO: OperationInfo = OperationInfo::new(
        "ShareCustomDomain",
        Method::POST,
        "/customdomains/{domainName}/share",
    )
    .with_idempotency(Idempotency::ClientNamed);
    type Input = CustomDomainShare;
    type Output = CustomDomain;
}

/// Takes a lent domain back: `UnshareCustomDomain`.
#[derive(Clone, Copy, Debug)]
pub struct UnshareCustomDomain;

impl Action for UnshareCustomDomain {
    const INFO: OperationInfo = OperationInfo::new(
        "UnshareCustomDomain",
        Method::DELETE,
        "/customdomains/{domainName}/share/{targetWorkspace}",
    );
    type Input = ();
    type Output = CustomDomain;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    fn full() -> Value {
        json!({
            "metadata": {
                "name": "preview.example.com", "displayName": "Previews", "labels": {"a": "b"},
                "sharedFromWorkspace": "main", "workspace": "other",
                "createdAt": "2026-05-01T10:00:00Z", "updatedAt": "2026-05-01T10:00:01.5Z",
                "createdBy": "sub-1", "updatedBy": "sub-2",
            },
            "spec": {
                "domainType": "previews", "region": "us-pdx-1", "fallbackPreviewId": "pv",
                "subjectAlternativeNames": ["www.example.com", {"name": "a.example.com"}],
                "cnameRecords": "target.example.net", "txtRecords": {"_bl": "proof"},
                "status": "verified", "verificationError": "", "lastVerifiedAt": "2026-05-01T10:00:00Z",
            },
        })
    }

    #[test]
    fn a_full_document_goes_through_unchanged() {
        let domain: CustomDomain = serde_json::from_value(full()).unwrap();
        assert!(domain.is_verified());
        assert_eq!(serde_json::to_value(domain).unwrap(), full());
    }

    #[test]
    fn a_share_names_its_target_as_the_api_does() {
        let share = CustomDomainShare::new(WHOLE_ACCOUNT);
        let perform = Perform::<ShareCustomDomain>::on(["preview.example.com"]).input(&share);
        let request = perform.encode().unwrap();
        assert_eq!(
            request.uri(),
            "blaxel://control/customdomains/preview.example.com/share"
        );
        assert_eq!(
            serde_json::to_value(&share).unwrap(),
            json!({"targetWorkspace": "account"})
        );
        let unshare = Perform::<UnshareCustomDomain>::on(["preview.example.com", "other"]);
        assert_eq!(
            unshare.encode().unwrap().uri(),
            "blaxel://control/customdomains/preview.example.com/share/other"
        );
    }

    #[cfg(feature = "wait")]
    #[test]
    fn a_wait_sees_each_new_look_and_tells_why_it_failed() {
        use crate::wait::Watched;

        let mut domain: CustomDomain = serde_json::from_value(full()).unwrap();
        assert_eq!(domain.failure(), None);
        let before = domain.stage();
        domain.spec.status = Some(VerificationStatus::Failed);
        domain.spec.verification_error = Some("no TXT record".to_owned());
        assert_ne!(domain.stage(), before);
        assert!(domain.failure().unwrap().ends_with("no TXT record"));

        let failed_once = domain.stage();
        domain.spec.last_verified_at = Some("2026-05-01T10:05:00Z".parse().unwrap());
        assert_ne!(domain.stage(), failed_once);
    }
}
