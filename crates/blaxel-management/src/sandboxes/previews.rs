//! Previews, which make a port of a sandbox reachable at a URL, and the access tokens of private ones.

#[cfg(feature = "wait")]
mod ensure;
mod reuse;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Period, Timestamp, call};
use http::Method;

pub use self::reuse::TokenValidity;
use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::{Event, Status};
use crate::operations::{Action, Perform};
use crate::secret_text::SecretText;

document! {
    /// A preview, which makes a port of a sandbox reachable at a URL.
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

    /// An access token of a private preview.
    pub struct PreviewToken {
        pub metadata: PreviewTokenMetadata,
        pub spec: PreviewTokenSpec,
    }
}

record! {
    /// The metadata of a preview.
    pub struct PreviewMetadata {
        /// The name of the preview, unique within its sandbox.
        pub name: String,
        /// The name that user interfaces show.
        pub display_name: Option<String>,
        /// The name of the sandbox.
        #[server]
        pub resource_name: Option<String>,
        /// The type of the resource that the preview belongs to.
        #[server]
        pub resource_type: Option<String>,
        /// The workspace that it belongs to.
        #[server]
        pub workspace: Option<String>,
        pub created_at: Option<Timestamp>,
        pub updated_at: Option<Timestamp>,
        pub created_by: Option<String>,
        pub updated_by: Option<String>,
    }

    /// The desired state of a preview.
    pub struct PreviewSpec {
        /// The port of the sandbox.
        pub port: Option<u32>,
        /// `true` if the preview is public. A private one requires a [`PreviewToken`].
        pub public: Option<bool>,
        /// The prefix of the URL.
        pub prefix_url: Option<String>,
        /// A custom domain for the preview.
        pub custom_domain: Option<String>,
        /// The time to live: the preview is deleted this long after its creation.
        pub ttl: Clearable<Period>,
        /// The time at which the preview expires.
        pub expires: Option<Timestamp>,
        /// Headers to set in every request to the sandbox, such as a credential that the program requires.
        pub request_headers: Option<BTreeMap<String, SecretText>>,
        /// Headers to set in every response, mostly for CORS.
        pub response_headers: Option<BTreeMap<String, String>>,
        /// The region of the preview.
        #[server]
        pub region: Option<String>,
        /// The URL of the preview.
        #[server]
        pub url: Option<String>,
    }

    /// The metadata of a preview token.
    pub struct PreviewTokenMetadata {
        /// The name of the token.
        pub name: String,
        /// The name of the preview.
        #[server]
        pub preview_name: Option<String>,
        /// The name of the sandbox that the preview belongs to.
        #[server]
        pub resource_name: Option<String>,
        /// The type of the resource that the preview belongs to.
        #[server]
        pub resource_type: Option<String>,
        /// The workspace that it belongs to.
        #[server]
        pub workspace: Option<String>,
    }

    /// The desired state of a preview token.
    pub struct PreviewTokenSpec {
        /// The time at which the token expires.
        pub expires_at: Option<Timestamp>,
        /// `true` if the token has expired.
        #[server]
        pub expired: Option<bool>,
        /// The token itself.
        #[server]
        pub token: Option<SecretText>,
    }
}

response! {
    /// The response to the deletion of a preview token.
    #[doc(alias = "DeleteSandboxPreviewToken")]
    pub struct PreviewTokenDeletion {
        /// The confirmation message.
        pub message: Option<String>,
    }
}

resource! { Preview { metadata: metadata, status: status } }

resource! { PreviewToken { name: metadata.name } }

deep_setters! { Preview:
    spec PreviewSpec { port: u32, public: bool, prefix_url: String, custom_domain: String }
}

impl Preview {
    /// Creates a draft of a preview of a port, in memory only. See [`Preview`] for an example.
    #[must_use]
    pub fn of_port(name: impl Into<String>, port: u32) -> Self {
        Self::new(name).spec(PreviewSpec::new().port(port))
    }
}

impl PreviewToken {
    /// Creates a token that expires at this time.
    ///
    /// ```
    /// use blaxel_core::Timestamp;
    /// use blaxel_management::sandboxes::PreviewToken;
    ///
    /// let end: Timestamp = "2026-12-31T23:59:59Z".parse()?;
    /// let token = PreviewToken::until("guest", end);
    /// assert_eq!(token.metadata.name, "guest");
    /// # Ok::<(), blaxel_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn until(name: impl Into<String>, moment: impl Into<Timestamp>) -> Self {
        Self::new(name).spec(PreviewTokenSpec::new().expires_at(moment))
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Returns the collection of the previews of a sandbox (`/sandboxes/{sandboxName}/previews`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Preview;
    ///
    /// let previews = management.sandboxes().previews("code-runner");
    /// let preview = previews.apply(&Preview::of_port("web", 3000).public(true)).await?;
    /// println!("{:?}", preview.into_resource().spec.url);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn previews(&self, sandbox: &str) -> Collection<Preview, S> {
        self.under(sandbox)
    }
}

impl<S: HttpService> Collection<Preview, S> {
    /// Returns the collection of the access tokens of a preview
    /// (`/sandboxes/{sandboxName}/previews/{previewName}/tokens`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// #     expires: blaxel_core::Timestamp,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::PreviewToken;
    ///
    /// let tokens = management.sandboxes().previews("code-runner").tokens("web");
    /// let token = tokens.create(&PreviewToken::until("guest", expires)).await?;
    /// println!("{}", token.spec.token.unwrap_or_default().expose());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tokens(&self, preview: &str) -> Collection<PreviewToken, S> {
        self.under(preview)
    }

    /// Creates a preview, and takes its URL over from any other preview that uses it
    /// (`POST /sandboxes/{sandboxName}/previews?force=true`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Preview;
    ///
    /// let previews = management.sandboxes().previews("code-runner");
    /// let preview = previews.create_forced(&Preview::of_port("web", 3000).prefix_url("demo")).await?;
    /// println!("{:?}", preview.spec.url);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn create_forced(&self, preview: &Preview) -> Result<Preview, Error> {
        let create = Perform::<CreatePreview>::on(self.parent.names())
            .flag("force", true)
            .input(preview);
        call(&self.service, &create).await
    }
}

/// Creates a preview: `POST /sandboxes/{sandboxName}/previews`, for use with the query parameter `force`.
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
    // The API does not document that a second token of the same name is refused.
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
