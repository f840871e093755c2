//! Setting up a client.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use blaxel_auth::{Authenticator, Credentials, Environment, Variables};
use blaxel_core::__private::ErrorParts;
use blaxel_core::{ApiVersion, BaseUrl, Endpoints, Error, HttpService, Secret, Source, Workspace};
use tower_layer::{Identity, Layer, Stack};

use crate::client::{Client, Pipeline};
use crate::deadline::TimeLimits;
use crate::defaults::Defaults;
use crate::dispatch::Dispatch;
use crate::hyper_transport::{HyperBuilder, HyperTransport};
use crate::retry::RetryPolicy;

/// A text setting and where it came from; it is read when the client is built.
type Setting = Option<(String, Source)>;

/// Sets up a [`Client`].
///
/// Nothing is checked and no credential is looked for before [`build`](Self::build), so the order of
/// the setters does not matter.
///
/// ```
/// use blaxel_transport::Client;
///
/// let client = Client::builder().api_key("bl_example").workspace("my-team").build()?;
/// assert_eq!(client.workspace().unwrap().as_str(), "my-team");
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// # Which setting wins
///
/// | setting | the first of these that is there |
/// | --- | --- |
/// | credentials | [`anonymous`](Self::anonymous); [`api_key`](Self::api_key) or [`credentials`](Self::credentials), whichever was called last; with [`from_env`](Self::from_env) the environment's, for the workspace below |
/// | workspace | [`workspace`](Self::workspace); that of the credentials; `BL_WORKSPACE` |
/// | deployment | [`environment`](Self::environment); `BL_ENV`; that of the credentials; production |
/// | addresses | [`api_url`](Self::api_url), [`run_url`](Self::run_url); `BL_API_URL`, `BL_RUN_URL`; those of the deployment |
///
/// The variables count only for a builder that began with [`from_env`](Self::from_env) or
/// [`from_variables`](Self::from_variables). The environment's credentials are looked for as
/// [`Credentials::resolve`] does: `BL_API_KEY` and `BL_CLIENT_CREDENTIALS` are used in whatever workspace
/// is set, and where they are not set, the sign-in that the file of the `bl` command holds for that very
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
/// There are two positions for tower layers of your own, and neither loses any default. In each
/// position the layer that is added first is the outermost.
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

#[derive(Clone, Debug, Default)]
struct Settings {
    /// The place of the credentials if none are given in code.
    variables: Option<Variables>,
    credentials: Option<Credentials>,
    anonymous: bool,
    api_key: Option<Secret>,
    workspace: Setting,
    /// The workspace if neither the code nor the credentials name one.
    default_workspace: Setting,
    region: Setting,
    api_url: Setting,
    run_url: Setting,
    trusted: Vec<(String, Source)>,
    environment: Option<Environment>,
    version: ApiVersion,
    product: Option<String>,
    limits: TimeLimits,
    retry: RetryPolicy,
}

/// Stands for the default transport until the client is built.
#[derive(Clone, Debug, Default)]
pub struct HyperLeaf(HyperBuilder);

/// Stands for a transport of the user's own.
#[derive(Clone, Debug)]
pub struct OwnLeaf<T>(T);

/// The source of the transport, which is made when the client is built.
pub trait Leaf: sealed::Sealed {
    /// The transport.
    type Transport: HttpService;

    #[doc(hidden)]
    fn build(self, limits: &TimeLimits, endpoints: &Endpoints) -> Self::Transport;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::HyperLeaf {}
    impl<T> Sealed for super::OwnLeaf<T> {}
}

impl Leaf for HyperLeaf {
    type Transport = HyperTransport;

    fn build(self, limits: &TimeLimits, endpoints: &Endpoints) -> HyperTransport {
        let hyper = self.0.or_connect_timeout(limits.connect);
        // Idle connections to workloads are closed early; a local server may be both.
        let (control, run) = (endpoints.control.host(), endpoints.run.host());
        if control == run {
            hyper.build()
        } else {
            hyper.workload_host(run).build()
        }
    }
}

impl<T: HttpService> Leaf for OwnLeaf<T> {
    type Transport = T;

    fn build(self, _: &TimeLimits, _: &Endpoints) -> T {
        self.0
    }
}

impl Client {
    /// Returns a builder with nothing taken from the environment.
    pub fn builder() -> ClientBuilder<HyperLeaf, Identity, Identity> {
        ClientBuilder::new()
    }

    /// Creates a client from the environment variables `BL_API_KEY` or `BL_CLIENT_CREDENTIALS`,
    /// `BL_WORKSPACE`, `BL_REGION`, `BL_ENV`, `BL_API_URL`, `BL_RUN_URL` and `BL_API_VERSION`, and, with
    /// the feature `config-file`, from the sign-in of the Blaxel CLI where the variables hold no
    /// credential.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable that cannot be used, and a credentials error if none are
    /// found; each names the place.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

impl ClientBuilder<HyperLeaf, Identity, Identity> {
    fn new() -> Self {
        Self {
            transport: HyperLeaf::default(),
            attempt_layers: Identity::new(),
            call_layers: Identity::new(),
            settings: Settings::default(),
        }
    }

    /// Begins with the settings of the environment; see [`Client::from_env`].
    ///
    /// The credentials are looked for when the client is built, and only if none are given in code:
    /// those that are stored for the workspace depend on which one is [set](Self::workspace).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a variable that cannot be used. That there are no credentials is an
    /// error of [`build`](Self::build).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(&Variables::from_process())
    }

    /// Begins with the settings in these variables, as [`from_env`](Self::from_env) does with the
    /// process's.
    ///
    /// # Errors
    ///
    /// As for [`from_env`](Self::from_env).
    pub fn from_variables(variables: &Variables) -> Result<Self, Error> {
        let mut builder = Self::new();
        let settings = &mut builder.settings;
        settings.variables = Some(variables.clone());
        settings.environment = Environment::from_variables(variables)?;
        settings.default_workspace = owned(variables.get("BL_WORKSPACE")?);
        settings.region = owned(variables.get("BL_REGION")?);
        settings.api_url = owned(variables.get("BL_API_URL")?);
        settings.run_url = owned(variables.get("BL_RUN_URL")?);
        if let Some((text, source)) = variables.get("BL_API_VERSION")? {
            settings.version = source.parse(text)?;
        }
        Ok(builder)
    }
}

fn owned(found: Option<(&str, Source)>) -> Setting {
    found.map(|(text, source)| (text.to_owned(), source))
}

impl<T, A, C> ClientBuilder<T, A, C> {
    /// Authenticates with these credentials, whatever workspace is set.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.settings.credentials = Some(credentials);
        self.settings.api_key = None;
        self
    }

    /// Authenticates with an API key.
    pub fn api_key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.api_key = Some(key.into());
        self
    }

    /// Sends no credential at all, for the few operations that need none.
    pub fn anonymous(mut self) -> Self {
        self.settings.anonymous = true;
        self
    }

    /// Sets the workspace to call in; without one, that of the credentials, if they name one.
    ///
    /// Of the sign-ins that the file of the `bl` command holds, the one for this workspace is taken.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.settings.workspace = Some((name.into(), Source::Code));
        self
    }

    /// Sets the region that [`Client::region`] returns, such as `us-pdx-1`, for resources that name none.
    /// None unless set.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.settings.region = Some((name.into(), Source::Code));
        self
    }

    /// Sets the deployment of the platform to call, unless [`api_url`](Self::api_url) and
    /// [`run_url`](Self::run_url) say where. Without one, the one that the credentials were made for,
    /// else [`Environment::Production`].
    pub fn environment(mut self, environment: Environment) -> Self {
        self.settings.environment = Some(environment);
        self
    }

    /// Sets the API version to send: [`ApiVersion::DEFAULT`] unless set.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.settings.version = version;
        self
    }

    /// Sets the control plane's address, version segment included: `https://api.blaxel.ai/v0` unless set.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.settings.api_url = Some((url.into(), Source::Code));
        self
    }

    /// Sets the address under which workloads are called: `https://run.blaxel.ai` unless set.
    pub fn run_url(mut self, url: impl Into<String>) -> Self {
        self.settings.run_url = Some((url.into(), Source::Code));
        self
    }

    /// Adds an origin that may be sent the credential. The two planes and the platform's workload
    /// hosts are trusted already; every other address is refused.
    pub fn trust(mut self, url: impl Into<String>) -> Self {
        self.settings.trusted.push((url.into(), Source::Code));
        self
    }

    /// Sets a product token, such as `my-app/1.2`, to follow the SDK's own in the `User-Agent`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.settings.product = Some(product.into());
        self
    }

    /// Sets the time limits of calls; see [`TimeLimits`] for the defaults.
    pub fn time_limits(mut self, limits: TimeLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets the time limit of a whole call, on either plane.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.settings.limits.control = limit;
        self.settings.limits.run = limit;
        self
    }

    /// Sets the number of retries and the delays between them; see [`RetryPolicy`] for the defaults.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Puts a layer outside everything of the SDK's own: it sees each operation once.
    ///
    /// The request has no address and no credential yet, and an outcome is final.
    pub fn call_layer<L>(self, layer: L) -> ClientBuilder<T, A, Stack<L, C>> {
        ClientBuilder {
            transport: self.transport,
            attempt_layers: self.attempt_layers,
            call_layers: Stack::new(layer, self.call_layers),
            settings: self.settings,
        }
    }

    /// Puts a layer just before the transport: it sees each attempt, with the request as it is sent,
    /// credential included. A call waits within its deadline until the layer is ready.
    ///
    /// If the layer sends the request to an address that may not have the credential, as one that follows
    /// redirects does, the credential is taken from it.
    pub fn attempt_layer<L>(self, layer: L) -> ClientBuilder<T, Stack<L, A>, C> {
        ClientBuilder {
            transport: self.transport,
            attempt_layers: Stack::new(layer, self.attempt_layers),
            call_layers: self.call_layers,
            settings: self.settings,
        }
    }

    /// Sends requests by another service than hyper over sockets.
    pub fn transport<T2: HttpService>(self, transport: T2) -> ClientBuilder<OwnLeaf<T2>, A, C> {
        self.with_leaf(OwnLeaf(transport))
    }

    /// Sends requests by hyper, set up like this.
    pub fn hyper(self, hyper: HyperBuilder) -> ClientBuilder<HyperLeaf, A, C> {
        self.with_leaf(HyperLeaf(hyper))
    }

    fn with_leaf<T2>(self, transport: T2) -> ClientBuilder<T2, A, C> {
        ClientBuilder {
            transport,
            attempt_layers: self.attempt_layers,
            call_layers: self.call_layers,
            settings: self.settings,
        }
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a setting that cannot be used, naming it and its place; a credentials
    /// error if there are none, or none for the workspace. Nothing is sent.
    pub fn build(self) -> Result<Client, Error>
    where
        T: Leaf,
        A: Layer<Dispatch<T::Transport>>,
        A::Service: HttpService,
        C: Layer<Pipeline<A::Service>>,
        C::Service: HttpService,
    {
        Ok(self.build_unboxed()?.boxed())
    }

    /// Builds the client with its whole stack in its type, which saves an allocation for each request.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_unboxed(self) -> Result<Client<C::Service>, Error>
    where
        T: Leaf,
        A: Layer<Dispatch<T::Transport>>,
        A::Service: HttpService,
        C: Layer<Pipeline<A::Service>>,
        C::Service: HttpService,
    {
        let limits = self.settings.limits;
        let policy = self.settings.retry.clone();
        let (defaults, credentials) = self.settings.read()?;
        let transport = self.transport.build(&limits, &defaults.endpoints);
        // Token requests go past the layers: they are no operations of the API.
        let authenticator = credentials.map(|credentials| {
            let wire = transport.clone();
            Authenticator::new(&credentials, &defaults.endpoints.control, wire)
        });
        let defaults = Arc::new(defaults);
        let attempt = self
            .attempt_layers
            .layer(Dispatch::new(transport, Arc::clone(&defaults)));
        // Without call layers the service comes out as it went in, and nobody reads a response's context.
        let layered = TypeId::of::<C::Service>() != TypeId::of::<Pipeline<A::Service>>();
        let pipeline = Pipeline::new(
            attempt,
            Arc::clone(&defaults),
            authenticator,
            policy,
            limits,
            layered,
        );
        Ok(Client::new(self.call_layers.layer(pipeline), defaults))
    }
}

impl Settings {
    /// Reads and checks the settings.
    fn read(self) -> Result<(Defaults, Option<Credentials>), Error> {
        let named = read_workspace(&self.workspace)?;
        let credentials = self.find_credentials(named.as_ref())?;
        let of_credentials = credentials.as_ref().and_then(Credentials::workspace);
        let workspace = match named.or_else(|| of_credentials.cloned()) {
            Some(workspace) => Some(workspace),
            None => read_workspace(&self.default_workspace)?,
        };
        let environment = self
            .environment
            .or_else(|| credentials.as_ref()?.environment())
            .unwrap_or_default();
        let read = |setting: &Setting, default: &'static str| match setting {
            Some((url, source)) => source.parse::<BaseUrl>(url),
            None => default.parse::<BaseUrl>(),
        };
        let endpoints = Endpoints::new(
            read(&self.api_url, environment.api_url())?,
            read(&self.run_url, environment.run_url())?,
        );
        let trusted = self
            .trusted
            .iter()
            .map(|(url, source)| source.parse::<BaseUrl>(url))
            .collect::<Result<_, _>>()?;
        let product = self.product.as_deref();
        let mut defaults = Defaults::new(endpoints, trusted, workspace, self.version, product)?;
        defaults.region = read_region(&self.region)?;
        Ok((defaults, credentials))
    }

    /// The credentials given in code, else those of the environment for the workspace that is named
    /// in code, if one is. `None` for a client that sends none.
    fn find_credentials(
        &self,
        workspace: Option<&Workspace>,
    ) -> Result<Option<Credentials>, Error> {
        if self.anonymous {
            return Ok(None);
        }
        if let Some(key) = &self.api_key {
            return Credentials::api_key(key.clone()).map(Some);
        }
        if let Some(credentials) = &self.credentials {
            return Ok(Some(credentials.clone()));
        }
        let found = match (&self.variables, workspace) {
            (Some(variables), Some(workspace)) => Credentials::resolve_in(variables, workspace),
            (Some(variables), None) => Credentials::resolve(variables),
            (None, _) => Err(no_credentials()),
        };
        found.map(Some)
    }
}

fn read_workspace(setting: &Setting) -> Result<Option<Workspace>, Error> {
    match setting {
        Some((name, source)) => Ok(Some(source.parse(name)?)),
        None => Ok(None),
    }
}

fn read_region(setting: &Setting) -> Result<Option<Box<str>>, Error> {
    let Some((name, source)) = setting else {
        return Ok(None);
    };
    let name = name.trim();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let problem = "a region is named without spaces, as in `us-pdx-1`";
        return Err(Error::input("region", source, problem));
    }
    Ok(Some(name.into()))
}

fn no_credentials() -> Error {
    Error::credentials(
        "the client has no credentials; give it some by `credentials` or `api_key`, take them from \
         the environment with `ClientBuilder::from_env`, or say `anonymous`",
    )
}
