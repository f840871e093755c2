//! Custom domains: domains of the user's own that lead to previews and applications.
//!
//! A domain works once it is verified. Add the DNS records that its `spec` names, then call
//! [`verify`](Collection::verify), which makes the platform check them.

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
    /// The name and the server-side metadata of a custom domain.
    pub struct CustomDomainMetadata {
        /// The domain, such as `preview.example.com`.
        pub name: String,
        /// The display name.
        pub display_name: Option<String>,
        /// The labels.
        pub labels: Option<BTreeMap<String, String>>,
        /// The workspace that owns the domain, if another workspace of the account shares it.
        #[server]
        pub shared_from_workspace: Option<String>,
        /// The workspace that it belongs to.
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// The desired state of a custom domain, and the state of its verification.
    pub struct CustomDomainSpec {
        /// The kind of resource that the domain leads to.
        pub domain_type: Option<DomainKind>,
        /// The region of the domain.
        pub region: Option<String>,
        /// The id of the preview that serves requests for which no other preview is found.
        pub fallback_preview_id: Option<String>,
        /// Further names for the certificate of an application's domain. The API does not document
        /// the type of the elements; so far they have been strings.
        pub subject_alternative_names: Option<Vec<Value>>,
        /// The target of the domain's CNAME record.
        pub cname_records: Option<String>,
        /// The TXT records that prove ownership of the domain, by name.
        pub txt_records: Option<BTreeMap<String, String>>,
        /// The way in which the domain's certificate is validated. It cannot be changed after creation.
        /// The server's default is [`ValidationMethod::Dns`].
        pub validation_method: Option<ValidationMethod>,
        pub status: Option<VerificationStatus>,
        /// The error of the last verification.
        #[server]
        pub verification_error: Option<String>,
        /// The time of the last check of the DNS records.
        #[server]
        pub last_verified_at: Option<Timestamp>,
    }
}

record! {
    /// A request to share a custom domain with another workspace.
    #[doc(alias = "ShareCustomDomain.request")]
    pub struct CustomDomainShare {
        /// The name of a workspace of the same account, or [`WHOLE_ACCOUNT`].
        pub target_workspace: String,
    }
}

/// The target of a share that stands for all workspaces of the account.
pub const WHOLE_ACCOUNT: &str = "account";

response! {
    /// A workspace, or the whole account, that a custom domain is shared with.
    pub struct CustomDomainShareTarget {
        /// The name of the workspace, or [`WHOLE_ACCOUNT`].
        pub workspace: String,
        /// The display name of the workspace; empty for the whole account.
        pub workspace_display_name: Option<String>,
        /// The status of the share. Within an account it is `active` at once.
        pub status: String,
    }
}

open_enum! {
    /// The kind of resource that a custom domain leads to.
    pub enum DomainKind {
        /// Previews of sandboxes, each under a subdomain.
        Previews = "previews",
        /// An application.
        Applications = "applications",
    }
}

open_enum! {
    /// The way in which the certificate of a custom domain is validated.
    ///
    /// ```
    /// use blaxel_management::custom_domains::{CustomDomain, DomainKind, ValidationMethod};
    ///
    /// let domain = CustomDomain::new("shop.example.com")
    ///     .domain_type(DomainKind::Applications)
    ///     .validation_method(ValidationMethod::Http);
    /// # let _ = domain;
    /// ```
    pub enum ValidationMethod {
        /// By further CNAME records, which have to be added to the domain's zone.
        Dns = "dns",
        /// By HTTP, as soon as the domain leads to the platform; no further record is needed. The server
        /// refuses it for wildcards: domains of previews, and names that begin with `*.`.
        Http = "http",
    }
}

resource! { CustomDomain { metadata: metadata, labels: metadata.labels, status: spec.status } }

resource! { CustomDomainShareTarget { name: workspace, status: status } }

deep_setters! { CustomDomain:
    spec CustomDomainSpec {
        domain_type: DomainKind,
        region: String,
        fallback_preview_id: String,
        validation_method: ValidationMethod,
    }
}

impl CustomDomain {
    /// Returns `true` if the domain is verified and can be used.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.spec.status == Some(VerificationStatus::Verified)
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the custom domains of the workspace.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::custom_domains::{CustomDomain, DomainKind};
    ///
    /// let domains = management.custom_domains();
    /// let domain = CustomDomain::new("preview.example.com").domain_type(DomainKind::Previews);
    /// let domain = domains.create(&domain).await?;
    /// println!("add these TXT records: {:?}", domain.spec.txt_records);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn custom_domains(&self) -> Collection<CustomDomain, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<CustomDomain, S> {
    /// Creates a custom domain for one application
    /// (`POST /applications/{applicationName}/customdomains`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::custom_domains::CustomDomain;
    ///
    /// let domain = CustomDomain::new("shop.example.com");
    /// management.custom_domains().create_for_application("shop", &domain).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the application does not exist; otherwise the error of the call.
    pub async fn create_for_application(
        &self,
        application: &str,
        domain: &CustomDomain,
    ) -> Result<CustomDomain, Error> {
        let create = Perform::<CreateApplicationCustomDomain>::on([application]).input(domain);
        call(&self.service, &create).await
    }

    /// Makes the platform check the DNS records of a domain
    /// (`POST /customdomains/{domainName}/verify`).
    ///
    /// A new record can take a while to become visible. With the feature `wait`, `wait_until` with
    /// [`CustomDomain::is_verified`] waits for it.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let domain = management.custom_domains().verify("preview.example.com").await?;
    /// if !domain.is_verified() {
    ///     println!("not verified yet: {:?}", domain.spec.verification_error);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the domain does not exist.
    pub async fn verify(&self, domain: &str) -> Result<CustomDomain, Error> {
        call(&self.service, &Perform::<VerifyCustomDomain>::on([domain])).await
    }

    /// Lists the workspaces that a domain is shared with (`GET /customdomains/{domainName}/share`).
    ///
    /// See [`share`](Self::share) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the domain does not exist.
    pub async fn shares(&self, domain: &str) -> Result<Vec<CustomDomainShareTarget>, Error> {
        let list = Perform::<ListCustomDomainShares>::on([domain]);
        call(&self.service, &list).await
    }

    /// Shares a verified domain with another workspace of the same account, or with all of them for
    /// [`WHOLE_ACCOUNT`] (`POST /customdomains/{domainName}/share`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let domains = management.custom_domains();
    /// domains.share("preview.example.com", "research").await?;
    /// for share in domains.shares("preview.example.com").await? {
    ///     println!("{}: {}", share.workspace, share.status);
    /// }
    /// domains.unshare("preview.example.com", "research").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if the domain is already shared with that workspace;
    /// [`Error::is_not_found`] if the domain or the workspace does not exist.
    pub async fn share(&self, domain: &str, target_workspace: &str) -> Result<CustomDomain, Error> {
        let share = CustomDomainShare::new(target_workspace);
        let share = Perform::<ShareCustomDomain>::on([domain]).input(&share);
        call(&self.service, &share).await
    }

    /// Stops sharing a domain with a workspace
    /// (`DELETE /customdomains/{domainName}/share/{targetWorkspace}`).
    ///
    /// See [`share`](Self::share) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the domain is not shared with that workspace.
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

/// Creates a custom domain for one application: the operation `CreateApplicationCustomDomain`.
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

/// Makes the platform check the DNS records of a domain: the operation `VerifyCustomDomain`.
#[derive(Clone, Copy, Debug)]
pub struct VerifyCustomDomain;

impl Action for VerifyCustomDomain {
    // Idempotent: a second check only reports the current state of the records.
    const INFO: OperationInfo = OperationInfo::new(
        "VerifyCustomDomain",
        Method::POST,
        "/customdomains/{domainName}/verify",
    )
    .with_idempotency(Idempotency::Idempotent);
    type Input = ();
    type Output = CustomDomain;
}

/// Lists the workspaces that a domain is shared with: the operation `ListCustomDomainShares`.
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

/// Shares a domain: the operation `ShareCustomDomain`.
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

/// Stops sharing a domain: the operation `UnshareCustomDomain`.
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

    fn document() -> Value {
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
                "validationMethod": "dns",
                "status": "verified", "verificationError": "", "lastVerifiedAt": "2026-05-01T10:00:00Z",
            },
        })
    }

    #[test]
    fn a_document_with_all_members_round_trips_unchanged() {
        let domain: CustomDomain = serde_json::from_value(document()).unwrap();
        assert!(domain.is_verified());
        assert_eq!(serde_json::to_value(domain).unwrap(), document());
    }

    #[test]
    fn a_share_request_sends_its_target_workspace() {
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
    fn each_check_changes_the_stage_and_a_failure_has_its_reason() {
        use crate::wait::Watched;

        let mut domain: CustomDomain = serde_json::from_value(document()).unwrap();
        assert_eq!(domain.failure(), None);
        let before = domain.stage();
        domain.spec.status = Some(VerificationStatus::Failed);
        domain.spec.verification_error = Some("no TXT record".to_owned());
        assert_ne!(domain.stage(), before);
        assert!(domain.failure().unwrap().ends_with("no TXT record"));

        let first_failure = domain.stage();
        domain.spec.last_verified_at = Some("2026-05-01T10:05:00Z".parse().unwrap());
        assert_ne!(domain.stage(), first_failure);
    }
}
