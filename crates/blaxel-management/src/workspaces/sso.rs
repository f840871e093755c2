//! SSO domains: e-mail domains whose people sign in with their company's own identity provider.
//!
//! No operation of the API gives them out yet; they are here for those who meet one in a document.

use blaxel_core::Timestamp;

use crate::metadata::VerificationStatus;

response! {
    /// An e-mail domain whose people sign in with their company's identity provider.
    #[doc(alias = "SSODomain")]
    pub struct SsoDomain {
        /// What it is called, and what the platform notes about it.
        pub metadata: SsoDomainMetadata,
        /// How its people sign in, and whether it is verified.
        pub spec: SsoDomainSpec,
    }

    /// The name of an SSO domain, and what the platform notes about it.
    #[doc(alias = "SSODomainMetadata")]
    pub struct SsoDomainMetadata {
        /// The domain, such as `example.com`.
        pub name: Option<String>,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// The account it belongs to.
        pub account_id: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
        /// Who changed it last.
        pub updated_by: Option<String>,
    }

    /// How the people of an SSO domain sign in, and whether it is verified.
    #[doc(alias = "SSODomainSpec")]
    pub struct SsoDomainSpec {
        /// In which ways they may sign in: `google`, `saml`, `email`. In any, if there are none.
        pub allowed_auth_methods: Option<Vec<String>>,
        /// The names of the workspaces they join by signing in.
        pub auto_join_workspaces: Option<Vec<String>>,
        /// In which way one of them signed in last.
        pub last_used_auth_method: Option<String>,
        /// When that was.
        pub last_used_auth_method_at: Option<Timestamp>,
        /// Whether it is verified.
        pub status: Option<VerificationStatus>,
        /// The name of the TXT record that proves who owns it.
        pub txt_record_name: Option<String>,
        /// What that record must hold.
        pub txt_record_value: Option<String>,
        /// Why it could not be verified.
        pub verification_error: Option<String>,
        /// When the record was looked for last.
        pub last_verified_at: Option<Timestamp>,
    }
}
