//! [`ClientBuilder`]: the settings of a client.

mod settings;

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use blaxel_auth::{Authenticator, Credentials, Environment, Variables};
use blaxel_core::{ApiVersion, Endpoints, Error, HttpService, Secret, Source};
use tower_layer::{Identity, Layer, Stack};

use self::settings::Settings;
use crate::client::{Client, Pipeline};
use crate::dispatch::Dispatch;
use crate::hyper_transport::{HyperBuilder, HyperTransport};
use crate::limits::TimeLimits;
use crate::retry::RetryPolicy;

/// A builder for a [`Client`].
///
/// The setters check nothing, and no credential is looked up before [`build`](Self::build). Their
/// order matters only for layers and for setters of the same setting, where the last call counts:
/// `api_key` and `credentials`, `time_limits` and `deadline`, `transport` and `hyper`.
///
/// ```
/// use blaxel_transport::Client;
///
/// let client = Client::builder().api_key("bl_example").workspace("my-team").build()?;
/// assert_eq!(client.workspace().unwrap().as_str(), "my-team");
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// # Precedence
///
/// | setting | the first of these that is set |
/// | --- | --- |
/// | credentials | [`anonymous`](Self::anonymous); [`api_key`](Self::api_key) or [`credentials`](Self::credentials), whichever was called last; with [`from_env`](Self::from_env), those of the environment, for the workspace below |
/// | workspace | [`workspace`](Self::workspace); that of the credentials; `BL_WORKSPACE` |
/// | deployment | [`environment`](Self::environment); `BL_ENV`; that of the credentials; production |
/// | addresses | [`api_url`](Self::api_url), [`run_url`](Self::run_url); `BL_API_URL`, `BL_RUN_URL`; those of the deployment |
/// | region | [`region`](Self::region); `BL_REGION` |
/// | API version | [`api_version`](Self::api_version); `BL_API_VERSION`; [`ApiVersion::DEFAULT`] |
/// | integration | [`integration`](Self::integration); `BL_INTEGRATION` |
/// | coding agent | none with [`without_coding_agent`](Self::without_coding_agent); [`Variables::coding_agent`] |
///
/// Environment variables apply only to a builder created with [`from_env`](Self::from_env) or
/// [`from_variables`](Self::from_variables). Credentials of the environment are looked up by
/// [`Credentials::resolve`]: `BL_API_KEY` and `BL_CLIENT_CREDENTIALS` are used in whatever
/// workspace is set; without them, the sign-in that the file of the `bl` command holds for that
/// workspace.
///
/// ```
/// use blaxel_auth::Variables;
/// use blaxel_transport::ClientBuilder;
///
/// let variables = Variables::from_iter([("BL_API_KEY", "bl_example"), ("BL_WORKSPACE", "a")]);
/// let client = ClientBuilder::from_variables(&variables)?.workspace("b").build()?;
/// assert_eq!(client.workspace().unwrap().as_str(), "b");
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// # Layers
///
/// There are two positions for your own tower layers. A layer in either of them disables none of the
/// client's defaults. In each position the layer that is added first is the outermost. Token
/// requests pass through neither: they go directly to the transport.
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::Client;
/// use tower::timeout::TimeoutLayer;
///
/// let client = Client::builder()
///     .api_key("bl_example")
///     .workspace("my-team")
///     .call_layer(TimeoutLayer::new(Duration::from_secs(20))) // sees each operation once
///     .attempt_layer(TimeoutLayer::new(Duration::from_secs(5))) // sees each attempt, as it is sent
///     .build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder<T, A, C> {
    transport: T,
    attempt_layers: A,
    call_layers: C,
    settings: Settings,
}

/// The default transport, a [`HyperTransport`] that is created when the client is built.
#[derive(Clone, Debug, Default)]
pub struct DefaultTransport(HyperBuilder);

/// A transport passed to [`ClientBuilder::transport`].
#[derive(Clone, Debug)]
pub struct CustomTransport<T>(T);

/// Creates the transport when the client is built. Implemented by [`DefaultTransport`] and
/// [`CustomTransport`].
pub trait MakeTransport: sealed::Sealed {
    /// The type of the transport.
    type Transport: HttpService;

    /// Creates the transport.
    #[doc(hidden)]
    fn build(self, limits: &TimeLimits, endpoints: &Endpoints) -> Self::Transport;
}

mod sealed {
    /// Prevents implementations outside of this crate.
    pub trait Sealed {}
    impl Sealed for super::DefaultTransport {}
    impl<T> Sealed for super::CustomTransport<T> {}
}

impl MakeTransport for DefaultTransport {
    type Transport = HyperTransport;

    fn build(self, limits: &TimeLimits, endpoints: &Endpoints) -> HyperTransport {
        let hyper = self.0.or_connect_timeout(limits.connect).planes(endpoints);
        // Adds the host of the run plane as a workload host, unless one server serves both planes.
        let (control, run) = (endpoints.control.host(), endpoints.run.host());
        if control == run {
            hyper.build()
        } else {
            hyper.workload_host(run).build()
        }
    }
}

impl<T: HttpService> MakeTransport for CustomTransport<T> {
    type Transport = T;

    fn build(self, _: &TimeLimits, _: &Endpoints) -> T {
        self.0
    }
}

impl Client {
    /// Returns a builder without settings from the environment.
    pub fn builder() -> ClientBuilder<DefaultTransport, Identity, Identity> {
        ClientBuilder::new()
    }

    /// Creates a client from the environment variables `BL_API_KEY` or `BL_CLIENT_CREDENTIALS`,
    /// `BL_WORKSPACE`, `BL_REGION`, `BL_ENV`, `BL_API_URL`, `BL_RUN_URL`, `BL_API_VERSION` and
    /// `BL_INTEGRATION`.
    ///
    /// With the feature `config-file`, the sign-in of the Blaxel CLI is used if the variables
    /// contain no credential.
    ///
    /// ```no_run
    /// use blaxel_transport::Client;
    ///
    /// let client = Client::from_env()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable with an invalid value, and
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if there are no credentials;
    /// the error names the source.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

impl ClientBuilder<DefaultTransport, Identity, Identity> {
    /// Creates a builder without any setting.
    fn new() -> Self {
        Self {
            transport: DefaultTransport::default(),
            attempt_layers: Identity::new(),
            call_layers: Identity::new(),
            settings: Settings::default(),
        }
    }

    /// Creates a builder with the settings of the environment; see [`Client::from_env`].
    ///
    /// Credentials are looked up when the client is built, and only if none are set in code: the
    /// stored ones depend on the [workspace](Self::workspace).
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use blaxel_transport::ClientBuilder;
    ///
    /// let client = ClientBuilder::from_env()?.deadline(Duration::from_secs(30)).build()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable with an invalid value. Missing credentials are an error
    /// of [`build`](Self::build).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(&Variables::from_process())
    }

    /// Creates a builder with the settings of these variables, as [`from_env`](Self::from_env) does
    /// with those of the process.
    ///
    /// # Errors
    ///
    /// The same as for [`from_env`](Self::from_env).
    pub fn from_variables(variables: &Variables) -> Result<Self, Error> {
        Ok(Self {
            settings: Settings::from_variables(variables)?,
            ..Self::new()
        })
    }
}

impl<T, A, C> ClientBuilder<T, A, C> {
    /// Sets the credentials, for any workspace. By default those of the environment apply for a builder created
    /// by [`from_env`](Self::from_env); without any, [`build`](Self::build) fails.
    ///
    /// ```
    /// use blaxel_auth::Credentials;
    /// use blaxel_transport::Client;
    ///
    /// let credentials = Credentials::api_key("bl_example")?;
    /// let client = Client::builder().credentials(credentials).workspace("my-team").build()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.settings.credentials = Some(credentials);
        self.settings.api_key = None;
        self
    }

    /// Sets an API key as the credential. It replaces [`credentials`](Self::credentials) that were set before.
    pub fn api_key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.api_key = Some(key.into());
        self
    }

    /// Disables credentials, for the few operations that need none.
    pub fn anonymous(mut self) -> Self {
        self.settings.anonymous = true;
        self
    }

    /// Sets the workspace of the calls. By default it is that of the credentials, if they name one.
    ///
    /// If the credentials come from the file of the `bl` command, its sign-in for this workspace is
    /// used.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.settings.workspace = Some((name.into(), Source::Code));
        self
    }

    /// Sets the region that [`Client::region`] returns, such as `us-pdx-1`, for resources that name
    /// no region. None by default.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.settings.region = Some((name.into(), Source::Code));
        self
    }

    /// Sets the deployment of the platform, unless [`api_url`](Self::api_url) and
    /// [`run_url`](Self::run_url) set its addresses. By default it is that of the credentials,
    /// otherwise [`Environment::Production`].
    pub fn environment(mut self, environment: Environment) -> Self {
        self.settings.environment = Some(environment);
        self
    }

    /// Sets the API version to send. [`ApiVersion::DEFAULT`] by default.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.settings.version = version;
        self
    }

    /// Sets the address of the control plane, including the version segment.
    /// `https://api.blaxel.ai/v0` by default.
    ///
    /// ```
    /// use blaxel_transport::Client;
    ///
    /// let client = Client::builder()
    ///     .api_key("bl_example")
    ///     .api_url("http://localhost:8080/v0")
    ///     .run_url("http://localhost:8080")
    ///     .trust("https://gateway.example.com")
    ///     .user_agent("my-app/1.2")
    ///     .build()?;
    /// assert_eq!(client.endpoints().control.host(), "localhost");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.settings.api_url = Some((Secret::new(url.into()), Source::Code));
        self
    }

    /// Sets the address of the run plane, which serves the workloads. `https://run.blaxel.ai` by
    /// default.
    pub fn run_url(mut self, url: impl Into<String>) -> Self {
        self.settings.run_url = Some((Secret::new(url.into()), Source::Code));
        self
    }

    /// Adds an origin to which the credential may be sent. The two planes and the platform's
    /// workload hosts are trusted already; a request to any other origin is rejected.
    pub fn trust(mut self, url: impl Into<String>) -> Self {
        let url = (Secret::new(url.into()), Source::Code);
        self.settings.trusted.push(url);
        self
    }

    /// Sets a product token, such as `my-app/1.2`, which follows the SDK's own in the `User-Agent`. None by
    /// default.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.settings.user_agent.product = Some(product.into());
        self
    }

    /// Sets the name and version of the integration that makes the calls, for the `User-Agent`. By default it
    /// is that of `BL_INTEGRATION`, otherwise none.
    ///
    /// An integration is a library or framework between the SDK and the program. The platform counts calls by
    /// it. The name is in lower case and the version has three numbers; [`build`](Self::build) fails for any
    /// other form. A variable of another form is ignored, with a warning in the log.
    ///
    /// ```
    /// use blaxel_transport::Client;
    ///
    /// let client = Client::builder().api_key("bl_example").integration("my-framework/1.2.0").build()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn integration(mut self, name_and_version: impl Into<String>) -> Self {
        self.settings.user_agent.integration = Some((name_and_version.into(), Source::Code));
        self
    }

    /// Leaves the coding agent that runs the program out of the `User-Agent`.
    ///
    /// Only a builder created by [`from_env`](Self::from_env) or [`from_variables`](Self::from_variables) knows
    /// of one, by [`Variables::coding_agent`]. A user opts out with the variable `DO_NOT_TRACK=1`.
    pub fn without_coding_agent(mut self) -> Self {
        self.settings.user_agent.coding_agent = None;
        self
    }

    /// Sets the time limits of calls; see [`TimeLimits`] for the defaults.
    pub fn time_limits(mut self, limits: TimeLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets the time limit on whole calls, on both planes: [`TimeLimits::control`] and [`TimeLimits::run`]. By
    /// default 90 seconds on the control plane and 15 minutes on the run plane.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.settings.limits.control = limit;
        self.settings.limits.run = limit;
        self
    }

    /// Sets the number of attempts and the delays between them; see [`RetryPolicy`] for the
    /// defaults.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Adds a layer around the whole stack of the SDK: it sees each operation once.
    ///
    /// The request has no address and no credential yet, and the outcome is final.
    pub fn call_layer<L>(self, layer: L) -> ClientBuilder<T, A, Stack<L, C>> {
        ClientBuilder {
            transport: self.transport,
            attempt_layers: self.attempt_layers,
            call_layers: Stack::new(layer, self.call_layers),
            settings: self.settings,
        }
    }

    /// Adds a layer just above the transport: it sees each attempt, with the request as it is sent,
    /// credential included. A call waits within its deadline until the layer is ready.
    ///
    /// If the layer sends the request to an origin that may not have the credential, for example by
    /// following a redirect, the credential is removed from it.
    pub fn attempt_layer<L>(self, layer: L) -> ClientBuilder<T, Stack<L, A>, C> {
        ClientBuilder {
            transport: self.transport,
            attempt_layers: Stack::new(layer, self.attempt_layers),
            call_layers: self.call_layers,
            settings: self.settings,
        }
    }

    /// Sets the transport: a service that sends requests instead of hyper.
    ///
    /// ```
    /// use blaxel_core::{Body, Error};
    /// use blaxel_transport::Client;
    ///
    /// let transport = tower::service_fn(async |_: http::Request<Body>| {
    ///     Ok::<_, Error>(http::Response::new(Body::from("[]")))
    /// });
    /// let client = Client::builder().api_key("bl_example").transport(transport).build()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn transport<T2: HttpService>(
        self,
        transport: T2,
    ) -> ClientBuilder<CustomTransport<T2>, A, C> {
        self.with_transport(CustomTransport(transport))
    }

    /// Sets the settings of the default transport.
    ///
    /// ```
    /// use blaxel_transport::{Client, HttpVersion, HyperTransport};
    ///
    /// let hyper = HyperTransport::builder().http_version(HttpVersion::Http1);
    /// let client = Client::builder().api_key("bl_example").hyper(hyper).build()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn hyper(self, hyper: HyperBuilder) -> ClientBuilder<DefaultTransport, A, C> {
        self.with_transport(DefaultTransport(hyper))
    }

    /// Replaces the transport, keeping all other settings.
    fn with_transport<T2>(self, transport: T2) -> ClientBuilder<T2, A, C> {
        ClientBuilder {
            transport,
            attempt_layers: self.attempt_layers,
            call_layers: self.call_layers,
            settings: self.settings,
        }
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an invalid setting, which names it and its source, and
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if there are no credentials,
    /// or none for the workspace.
    pub fn build(self) -> Result<Client, Error>
    where
        T: MakeTransport,
        A: Layer<Dispatch<T::Transport>>,
        A::Service: HttpService,
        C: Layer<Pipeline<A::Service>>,
        C::Service: HttpService,
    {
        Ok(self.build_unboxed()?.boxed())
    }

    /// Builds the client with its whole stack in its type, which saves an allocation for each
    /// request.
    ///
    /// ```
    /// use blaxel_core::HttpService;
    /// use blaxel_transport::Client;
    ///
    /// fn client() -> Result<Client<impl HttpService>, blaxel_core::Error> {
    ///     Client::builder().api_key("bl_example").build_unboxed()
    /// }
    /// # client().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The same as for [`build`](Self::build).
    pub fn build_unboxed(self) -> Result<Client<C::Service>, Error>
    where
        T: MakeTransport,
        A: Layer<Dispatch<T::Transport>>,
        A::Service: HttpService,
        C: Layer<Pipeline<A::Service>>,
        C::Service: HttpService,
    {
        let policy = self.settings.retry.clone();
        let (mut defaults, credentials) = self.settings.resolve()?;
        let transport = self.transport.build(&defaults.limits, &defaults.endpoints);
        if let Some(credentials) = &credentials {
            defaults.reserve_credential(credentials.source());
        }
        // Token requests bypass the layers, because they are not operations of the API.
        let authenticator = credentials.map(|credentials| {
            let transport = transport.clone();
            Authenticator::new(&credentials, &defaults.endpoints.control, transport)
        });
        let defaults = Arc::new(defaults);
        let attempt = self
            .attempt_layers
            .layer(Dispatch::new(transport, Arc::clone(&defaults)));
        // Without call layers the type is unchanged, and nothing reads the context of a response.
        let layered = TypeId::of::<C::Service>() != TypeId::of::<Pipeline<A::Service>>();
        let pipeline = Pipeline::new(
            attempt,
            Arc::clone(&defaults),
            authenticator,
            policy,
            layered,
        );
        Ok(Client::new(self.call_layers.layer(pipeline), defaults))
    }
}
