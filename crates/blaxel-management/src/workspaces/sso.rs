//! SSO domains: e-mail domains whose users sign in with the company's own identity provider.
//!
//! No operation of the API returns them yet; the types are here for programs that find one in a
//! document.

use blaxel_core::Timestamp;

use crate::metadata::VerificationStatus;

response! {
    /// An e-mail domain whose users sign in with the company's identity provider.
    #[doc(alias = "SSODomain")]
    pub struct SsoDomain {
        /// The name and the server-side metadata.
        pub metadata: SsoDomainMetadata,
        /// The sign-in settings and the state of the verification.
        pub spec: SsoDomainSpec,
    }

    /// The name and the server-side metadata of an SSO domain.
    #[doc(alias = "SSODomainMetadata")]
    pub struct SsoDomainMetadata {
        /// The domain, such as `example.com`.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
        /// The id of the account that it belongs to.
        pub account_id: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The user or service account that created it.
        pub created_by: Option<String>,
        /// The user or service account that last changed it.
        pub updated_by: Option<String>,
    }

    /// The sign-in settings of an SSO domain, and the state of its verification.
    #[doc(alias = "SSODomainSpec")]
    pub struct SsoDomainSpec {
        /// The allowed sign-in methods: `google`, `saml`, `email`. An empty list allows all.
        pub allowed_auth_methods: Option<Vec<String>>,
        /// The names of the workspaces that users join by signing in.
        pub auto_join_workspaces: Option<Vec<String>>,
        /// The sign-in method that a user of the domain used last.
        pub last_used_auth_method: Option<String>,
        /// The time of that sign-in.
        pub last_used_auth_method_at: Option<Timestamp>,
        /// The status of the verification.
        pub status: Option<VerificationStatus>,
        /// The name of the TXT record that proves ownership of the domain.
        pub txt_record_name: Option<String>,
        /// The required value of that record.
        pub txt_record_value: Option<String>,
        /// The error of the last verification.
        pub verification_error: Option<String>,
        /// The time of the last check of the record.
        pub last_verified_at: Option<Timestamp>,
    }
}
