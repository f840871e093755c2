//! The handle of a running emulator.

mod data;
mod failures;
mod observed;
mod sandbox;

pub use self::sandbox::SandboxScript;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::fault::{Fault, UnknownOperation};
use crate::incident::Incident;
use crate::initial_data;
use crate::journal::Entry;
use crate::local::LocalService;
use crate::router;
use crate::server::RunningServer;
use crate::state::access::secret_values;
use crate::state::{AGENTS, MODELS, UnknownKind, top_kind};
use crate::workload::{Callback, Script, Workload};

/// A local Blaxel.
///
/// Each emulator has its own workspace, credentials, resources, clock, faults and journal and
/// shares none of them. Dropping it closes its port, ends its connections and stops its background
/// tasks.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = blaxel_emulator::Emulator::start().await?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
pub struct Emulator {
    engine: Arc<Engine>,
    server: Option<RunningServer>,
    /// Stops the background tasks when the emulator is dropped.
    _stop_tasks: StopTasks,
}

impl Emulator {
    pub(crate) fn new(engine: Arc<Engine>, server: Option<RunningServer>) -> Self {
        Self {
            _stop_tasks: StopTasks(Arc::clone(&engine)),
            engine,
            server,
        }
    }

    /// Returns a tower service that calls this emulator without a socket.
    ///
    /// ```
    /// use blaxel_core::{Plane, raw_request};
    /// use blaxel_emulator::Emulator;
    /// use tower_service::Service as _;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::offline();
    /// let request = raw_request(Plane::Control, http::Request::get("/models").body("")?)?;
    /// let response = emulator.service().call(request).await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn service(&self) -> LocalService {
        LocalService::new(Arc::clone(&self.engine))
    }

    /// Returns the base URL of the control plane, such as `http://127.0.0.1:4242/v0`.
    ///
    /// Without a socket its origin is `https://emulator.invalid`, which only
    /// [`service`](Self::service) reaches.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert_eq!(emulator.url(), "https://emulator.invalid/v0");
    /// assert_eq!(emulator.run_url(), "https://emulator.invalid/run");
    /// ```
    #[must_use]
    pub fn url(&self) -> String {
        self.engine.control_url()
    }

    /// Returns the base URL of the workloads, such as `http://127.0.0.1:4242/run`. See
    /// [`url`](Self::url).
    #[must_use]
    pub fn run_url(&self) -> String {
        self.engine.run_url()
    }

    /// Returns the name of the only workspace that credentials give access to.
    ///
    /// ```
    /// use blaxel_emulator::{DEFAULT_API_KEY, DEFAULT_WORKSPACE, Emulator};
    ///
    /// let emulator = Emulator::offline();
    /// assert_eq!(emulator.workspace(), DEFAULT_WORKSPACE);
    /// assert_eq!(emulator.api_key(), DEFAULT_API_KEY);
    /// ```
    #[must_use]
    pub fn workspace(&self) -> &str {
        &self.engine.config.workspace
    }

    /// Returns the API key that the emulator accepts. See [`workspace`](Self::workspace).
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.engine.config.api_key
    }

    /// Returns the id of the OAuth 2.0 client that the emulator accepts.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::builder().client("my-id", "my-secret").build();
    /// assert_eq!((emulator.client_id(), emulator.client_secret()), ("my-id", "my-secret"));
    /// ```
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.engine.config.client_id
    }

    /// Returns the secret of the OAuth 2.0 client that the emulator accepts. See
    /// [`client_id`](Self::client_id).
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.engine.config.client_secret
    }

    /// Returns the id of the account whose costs the billing operations report.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// let path = format!("/v0/accounts/{}/metrics", emulator.account_id());
    /// # let _ = path;
    /// ```
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.engine.history.account_id()
    }

    /// Returns the environment variables that point a client at this emulator: `BL_API_URL`,
    /// `BL_RUN_URL`, `BL_WORKSPACE` and `BL_API_KEY`. If its certificate authority is kept in a directory,
    /// those with which clients trust it follow, such as `NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE`.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// for (name, value) in emulator.variables() {
    ///     println!("export {name}={value}");
    /// }
    /// ```
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.engine.variables()
    }

    /// Returns the environment variables with which a client that knows the addresses of the platform only
    /// reaches this emulator, as a proxy. They are empty unless the emulator serves TLS.
    ///
    /// They are `HTTPS_PROXY`, and `NO_PROXY` with the names of this machine, in upper and lower case, and
    /// `NODE_USE_ENV_PROXY`, without which Node.js ignores them. Tunnels to hosts that are none of the
    /// platform's are refused, unless the builder lets them pass.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert!(emulator.proxy_variables().is_empty());
    /// ```
    #[must_use]
    pub fn proxy_variables(&self) -> Vec<(&'static str, String)> {
        self.engine.proxy_variables()
    }

    /// Returns the certificate of the emulator's certificate authority, in PEM, or `None` if the emulator
    /// does not serve TLS. A client has to trust it.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert_eq!(emulator.certificate_authority(), None);
    /// ```
    #[must_use]
    pub fn certificate_authority(&self) -> Option<&str> {
        self.engine.config.trust.authority.as_deref()
    }

    /// Makes the emulator as it was when it was created: resources, faults, the journal, scripts,
    /// sessions and machines of before are gone. The clock goes on, and tokens stay valid.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// emulator.reset();
    /// assert!(emulator.journal().is_empty());
    /// ```
    pub fn reset(&self) {
        initial_data::reset(&self.engine);
    }

    /// Returns the emulator's clock.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.clock().advance(Duration::from_secs(2 * 60 * 60)); // access tokens expire
    /// ```
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.engine.clock.clone()
    }

    /// Returns the requests received so far, in order of arrival. At most the last 10,000 are kept.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// for entry in emulator.journal() {
    ///     println!("{} {} -> {:?}", entry.method, entry.path, entry.status);
    /// }
    /// emulator.clear_journal();
    /// ```
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.engine.journal.entries()
    }

    /// Removes all entries from the journal. See [`journal`](Self::journal).
    pub fn clear_journal(&self) {
        self.engine.journal.clear();
    }

    /// Injects a fault into the next `times` requests of an operation, such as `ListModels`.
    ///
    /// Several faults of one operation are applied in the order in which they were added. The name
    /// `WakeSandbox` stands for the first call of a sandbox on standby, whatever its operation is; the
    /// sandbox does not wake up as long as it has faults.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::offline();
    /// emulator.fault("ListModels", Fault::disconnect(), 2)?;
    /// assert_eq!(emulator.waiting_faults(), 2);
    /// # Ok::<(), blaxel_emulator::UnknownOperation>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the emulator has no operation of this name; see
    /// [`operations`](Self::operations). A name that ends in `*`, such as `List*`, stands for all
    /// that begin so; a fault of the operation itself comes first.
    pub fn fault(&self, operation: &str, fault: Fault, times: u32) -> Result<(), UnknownOperation> {
        router::check_operation(operation)?;
        self.engine.faults.add(operation, fault, times);
        Ok(())
    }

    /// Makes a failure happen that clients of the platform have met. It consists of faults, which the
    /// next requests meet. See [`Incident`].
    pub fn incident(&self, incident: Incident) {
        incident.begin(&self.engine.clock, &self.engine.faults);
    }

    /// Returns the number of injected faults that no request has met yet. See
    /// [`fault`](Self::fault).
    #[must_use]
    pub fn waiting_faults(&self) -> u32 {
        self.engine.faults.waiting()
    }

    /// Returns the names of the operations that the emulator serves.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert!(emulator.operations().any(|name| name == "ListAgents"));
    /// ```
    pub fn operations(&self) -> impl Iterator<Item = &'static str> + use<> {
        router::operations()
    }

    /// Creates a resource with plausible contents, replacing one of the same name.
    ///
    /// `collection` is the path of a top-level collection, such as `sandboxes` or
    /// `integrations/connections`. The creation time is the emulator's current time.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.add("sandboxes", "sb-1")?;
    /// # Ok::<(), blaxel_emulator::UnknownKind>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the emulator has no such collection, or if its resources are nested in
    /// others.
    pub fn add(&self, collection: &str, name: &str) -> Result<(), UnknownKind> {
        let kind = top_kind(collection)?;
        self.engine.add_sample(kind, name, Duration::ZERO);
        Ok(())
    }

    /// Returns the script of a workload, which sets its next responses. The workload need not exist
    /// yet.
    ///
    /// Without a script a workload behaves as usual: agents echo, models answer, and calls of
    /// forwarded workloads are forwarded.
    ///
    /// ```
    /// use blaxel_emulator::{Behavior, Emulator, Workload};
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// emulator
    ///     .script(&Workload::agent("support-bot"))
    ///     .then(Behavior::unavailable())
    ///     .then(Behavior::json(json!({"output": "Good morning."})))
    ///     .always(Behavior::text("Enough for today."));
    /// ```
    #[must_use]
    pub fn script(&self, workload: &Workload) -> Script {
        let engine = &self.engine;
        engine.workloads.script_of(workload, &engine.clock)
    }

    /// Returns the machine of a sandbox, starting it if it was not called yet, or `None` if there is
    /// no such sandbox. With it, a test looks at the files of a sandbox, or scripts its commands.
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    ///
    /// let emulator = Emulator::offline();
    /// emulator.add("sandboxes", "dev")?;
    /// let guest = emulator.guest("dev").ok_or("no sandbox")?;
    /// assert!(guest.guest().listeners().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn guest(&self, sandbox: &str) -> Option<blaxel_guest::Server> {
        let guest = {
            let mut store = self.engine.store.open();
            self.engine.guests.of(&mut store, sandbox)?
        };
        guest.server()
    }

    /// Returns the finished callbacks of asynchronous calls, in the order in which they finished.
    /// At most the last 10,000 are kept.
    ///
    /// ```
    /// use blaxel_emulator::{CallbackOutcome, Emulator};
    ///
    /// let emulator = Emulator::offline();
    /// let callbacks = emulator.callbacks();
    /// assert!(callbacks.iter().all(|callback| callback.outcome == CallbackOutcome::Responded(200)));
    /// ```
    #[must_use]
    pub fn callbacks(&self) -> Vec<Callback> {
        self.engine.workloads.callbacks()
    }

    /// Ends every session with an MCP server, as a restart of the servers would.
    ///
    /// A request in an ended session gets a 404, and the client has to start a new one.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.end_mcp_sessions();
    /// ```
    pub fn end_mcp_sessions(&self) {
        self.engine.mcp.restart();
    }

    /// Returns the values that were set for a secret of the workspace, oldest first: one for each version. The API
    /// never returns them. At most the last 100 are kept.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// assert!(emulator.secret_values("PAYMENTS_KEY").is_empty());
    /// ```
    #[must_use]
    pub fn secret_values(&self, name: &str) -> Vec<String> {
        secret_values(self.engine.store.open().rows(), name)
    }

    /// Returns the environment variables that a task of an execution starts with, or `None` if there is no such task.
    ///
    /// They are `BL_EXECUTION_DATA_URL`, `BL_EXECUTION_ID` and `TASK_INDEX`, those of the job and of the execution, and
    /// those of [`variables`](Self::variables). The emulator runs no programs of jobs, so a test starts them itself:
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    ///
    /// let emulator = Emulator::offline();
    /// assert!(emulator.task_variables("nightly", "exec-1", 0).is_none());
    /// ```
    ///
    /// The address in `BL_EXECUTION_DATA_URL` is presigned, and is valid for 7 days on the emulator's clock.
    #[must_use]
    pub fn task_variables(
        &self,
        job: &str,
        execution: &str,
        index: usize,
    ) -> Option<Vec<(String, String)>> {
        let own = self.variables().into_iter();
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let of_task = router::task_variables(&self.engine, job, execution, index)?;
        Some(own.chain(of_task).collect())
    }

    /// Creates a built image, replacing one of the same type and name.
    ///
    /// `resource_type` is `agent`, `application`, `function`, `job` or `sandbox`. The build time is
    /// the emulator's current time.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.add_image("agent", "support-bot");
    /// emulator.offer_image("sandbox", "their-runner");
    /// ```
    pub fn add_image(&self, resource_type: &str, name: &str) {
        initial_data::add_image(&self.engine, resource_type, name, 64 << 20, Duration::ZERO);
    }

    /// Makes another account offer an image to the workspace. The offer is listed among the pending
    /// image shares until it is accepted or declined. See [`add_image`](Self::add_image).
    pub fn offer_image(&self, resource_type: &str, name: &str) {
        router::offer_image(&mut self.engine.store.open(), resource_type, name);
    }

    /// Creates an agent, replacing one of the same name. The creation time is the emulator's
    /// current time.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// emulator.add_model("gpt-5");
    /// ```
    pub fn add_agent(&self, name: &str) {
        self.engine.add_sample(&AGENTS, name, Duration::ZERO);
    }

    /// Creates a model, replacing one of the same name. The creation time is the emulator's current
    /// time. See [`add_agent`](Self::add_agent).
    pub fn add_model(&self, name: &str) {
        self.engine.add_sample(&MODELS, name, Duration::ZERO);
    }
}

/// Stops the tasks of an engine when it is dropped.
///
/// The tasks hold the engine themselves, so the engine would never be dropped while they run.
struct StopTasks(Arc<Engine>);

impl Drop for StopTasks {
    fn drop(&mut self) {
        self.0.workloads.tasks.end();
    }
}

impl fmt::Debug for Emulator {
    /// Formats the handle without its credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("url", &self.url())
            .field("workspace", &self.workspace())
            .field("serving", &self.server.is_some())
            .finish_non_exhaustive()
    }
}
