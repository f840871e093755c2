//! Previews: a port of a sandbox under a web address, and the tokens that open private ones.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Period, Timestamp, call};
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::{Event, Status};
use crate::operations::{Action, Perform};
use crate::secret_text::SecretText;

document! {
    /// A port of a sandbox under a web address.
    ///
    /// ```
    /// use blaxel_core::Period;
    /// use blaxel_management::sandboxes::Preview;
    ///
    /// let mut preview = Preview::of_port("web", 3000);
    /// preview.spec = preview.spec.public(true).ttl(Period::hours(24));
    /// ```
    pub struct Preview {
        pub metadata: PreviewMetadata,
        pub spec: PreviewSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }

    /// A token that opens a preview that is not public.
    pub struct PreviewToken {
        pub metadata: PreviewTokenMetadata,
        pub spec: PreviewTokenSpec,
    }
}

record! {
    /// The name of a preview, and what the platform notes about it.
    pub struct PreviewMetadata {
        /// What it is called, within its sandbox.
        pub name: String,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// The sandbox it is of.
        #[server]
        pub resource_name: Option<String>,
        /// What kind of resource it is of.
        #[server]
        pub resource_type: Option<String>,
        /// The workspace it belongs to.
        #[server]
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// What a preview is to be.
    pub struct PreviewSpec {
        /// The port of the sandbox that it shows.
        pub port: Option<u32>,
        /// Whether anybody may open it; if not, it takes a [`PreviewToken`].
        pub public: Option<bool>,
        /// The first part of its address.
        pub prefix_url: Option<String>,
        /// A domain of your own that it lies under.
        pub custom_domain: Option<String>,
        /// How long after its creation it is deleted.
        pub ttl: Clearable<Period>,
        /// The moment at which it ends.
        pub expires: Option<Timestamp>,
        /// Headers that are set in every request to it, such as a credential that the program asks for.
        pub request_headers: Option<BTreeMap<String, SecretText>>,
        /// Headers that are set in every answer of it, for CORS mostly.
        pub response_headers: Option<BTreeMap<String, String>>,
        /// The region it lies in.
        #[server]
        pub region: Option<String>,
        /// Its address.
        #[server]
        pub url: Option<String>,
    }

    /// The name of a preview's token, and what the platform notes about it.
    pub struct PreviewTokenMetadata {
        /// What it is called.
        pub name: String,
        /// The preview it opens.
        #[server]
        pub preview_name: Option<String>,
        /// The sandbox whose preview it is.
        #[server]
        pub resource_name: Option<String>,
        /// What kind of resource the preview is of.
        #[server]
        pub resource_type: Option<String>,
        /// The workspace it belongs to.
        #[server]
        pub workspace: Option<String>,
    }

    /// What a preview's token is to be.
    pub struct PreviewTokenSpec {
        /// When it stops working.
        pub expires_at: Option<Timestamp>,
        /// Whether it has stopped working.
        #[server]
        pub expired: Option<bool>,
        /// The token itself.
        #[server]
        pub token: Option<SecretText>,
    }
}

response! {
    /// What the server says when a preview's token is deleted.
    #[doc(alias = "DeleteSandboxPreviewToken")]
    pub struct PreviewTokenDeletion {
        /// That it is done, in words.
        pub message: Option<String>,
    }
}

resource! { Preview { metadata: metadata, status: status } }

resource! { PreviewToken { name: metadata.name } }

deep_setters! { Preview:
    spec PreviewSpec { port: u32, public: bool, prefix_url: String, custom_domain: String }
}

impl Preview {
    /// A preview of a port.
    #[must_use]
    pub fn of_port(name: impl Into<String>, port: u32) -> Self {
        Self::new(name).spec(PreviewSpec::new().port(port))
    }
}

impl PreviewToken {
    /// A token that works until a moment.
    #[must_use]
    pub fn until(name: impl Into<String>, moment: impl Into<Timestamp>) -> Self {
        Self::new(name).spec(PreviewTokenSpec::new().expires_at(moment))
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// The previews of a sandbox.
    #[must_use]
    pub fn previews(&self, sandbox: &str) -> Collection<Preview, S> {
        self.under(sandbox)
    }
}

impl<S: HttpService> Collection<Preview, S> {
    /// The tokens of a preview.
    #[must_use]
    pub fn tokens(&self, preview: &str) -> Collection<PreviewToken, S> {
        self.under(preview)
    }

    /// Makes a preview, and takes its address from any other that holds it: `CreateSandboxPreview` with
    /// `force`.
    ///
    /// # Errors
    ///
    /// What the call failed with.
    pub async fn create_forced(&self, preview: &Preview) -> Result<Preview, Error> {
        let create = Perform::<CreatePreview>::on(self.parent.names())
            .flag("force", true)
            .input(preview);
        call(&self.service, &create).await
    }
}

/// Makes a preview: `CreateSandboxPreview`, with its query parameter.
#[derive(Clone, Copy, Debug)]
pub struct CreatePreview;

impl Action for CreatePreview {
    const INFO: OperationInfo = Preview::CREATE;
    type Input = Preview;
    type Output = Preview;
}

impl Listed for Preview {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxPreviews",
        Method::GET,
        "/sandboxes/{sandboxName}/previews",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for Preview {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateSandboxPreview",
        Method::POST,
        "/sandboxes/{sandboxName}/previews",
    )
    .with_parameters(&["force"])
    .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Preview {
    const GET: OperationInfo = OperationInfo::new(
        "GetSandboxPreview",
        Method::GET,
        "/sandboxes/{sandboxName}/previews/{previewName}",
    );
}

impl Replaced for Preview {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateSandboxPreview",
        Method::PUT,
        "/sandboxes/{sandboxName}/previews/{previewName}",
    );
}

impl Applied for Preview {}

impl Deleted for Preview {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteSandboxPreview",
        Method::DELETE,
        "/sandboxes/{sandboxName}/previews/{previewName}",
    );
    type Response = Self;
}

impl Listed for PreviewToken {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxPreviewTokens",
        Method::GET,
        "/sandboxes/{sandboxName}/previews/{previewName}/tokens",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for PreviewToken {
    // Nothing says that a second token of one name is refused.
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateSandboxPreviewToken",
        Method::POST,
        "/sandboxes/{sandboxName}/previews/{previewName}/tokens",
    );
    type Draft = Self;
    type Made = Self;
}

impl Deleted for PreviewToken {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteSandboxPreviewToken",
        Method::DELETE,
        "/sandboxes/{sandboxName}/previews/{previewName}/tokens/{tokenName}",
    );
    type Response = PreviewTokenDeletion;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Preview }
