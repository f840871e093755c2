//! The handle of an emulator.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::fault::{Fault, UnknownOperation};
use crate::initial_data;
use crate::journal::Entry;
use crate::local::LocalService;
use crate::router;
use crate::server::RunningServer;
use crate::state::{AGENTS, CUSTOM_DOMAINS, EXECUTIONS, KINDS, Kind, MODELS};
use crate::workload::{Callback, Script, Workload};

/// A local Blaxel.
///
/// Each emulator is a world of its own: its workspace, credentials, resources, clock, faults and
/// journal are shared with no other. When it is dropped its port is closed and its connections end.
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
    /// Ends what goes on in the background.
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

    /// The socketless way to this emulator.
    #[must_use]
    pub fn service(&self) -> LocalService {
        LocalService::new(Arc::clone(&self.engine))
    }

    /// The base of the control plane, such as `http://127.0.0.1:4242/v0`. Without a socket it has
    /// the origin `https://emulator.invalid`, which only [`service`](Self::service) reaches.
    #[must_use]
    pub fn url(&self) -> String {
        self.engine.control_url()
    }

    /// The base of the workloads, such as `http://127.0.0.1:4242/run`.
    #[must_use]
    pub fn run_url(&self) -> String {
        self.engine.run_url()
    }

    /// The one workspace.
    #[must_use]
    pub fn workspace(&self) -> &str {
        &self.engine.config.workspace
    }

    /// The API key that is accepted.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.engine.config.api_key
    }

    /// The id of the OAuth 2.0 client that is accepted.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.engine.config.client_id
    }

    /// The secret of the OAuth 2.0 client that is accepted.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.engine.config.client_secret
    }

    /// The id of the account whose costs the billing operations tell.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.engine.history.account_id()
    }

    /// The environment variables that lead a client here: `BL_API_URL`, `BL_RUN_URL`,
    /// `BL_WORKSPACE` and `BL_API_KEY`.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("BL_API_URL", self.url()),
            ("BL_RUN_URL", self.run_url()),
            ("BL_WORKSPACE", self.workspace().to_owned()),
            ("BL_API_KEY", self.api_key().to_owned()),
        ]
    }

    /// The emulator's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.engine.clock.clone()
    }

    /// What was asked so far, in the order of arrival; of very many requests the last 10,000.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.engine.journal.entries()
    }

    /// Forgets what was asked so far.
    pub fn clear_journal(&self) {
        self.engine.journal.clear();
    }

    /// Lets the next `times` requests of an operation, such as `ListModels`, meet a fault. Faults of
    /// one operation come in the order they were asked for.
    ///
    /// # Errors
    ///
    /// If the emulator has no operation of this name.
    pub fn fault(&self, operation: &str, fault: Fault, times: u32) -> Result<(), UnknownOperation> {
        let known: Vec<_> = self.operations().collect();
        if !known.contains(&operation) {
            return Err(UnknownOperation {
                name: operation.to_owned(),
                known,
            });
        }
        self.engine.faults.add(operation, fault, times);
        Ok(())
    }

    /// How many faults were asked for and have not come yet.
    #[must_use]
    pub fn waiting_faults(&self) -> u32 {
        self.engine.faults.waiting()
    }

    /// The names of the operations the emulator has.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> + use<> {
        router::routes().into_iter().map(|route| route.operation)
    }

    /// Puts a resource in place, created now, instead of one of the same name if there is one: a
    /// plausible one, of the collection at this path, such as `sandboxes` or `integrations/connections`.
    ///
    /// # Errors
    ///
    /// If the emulator has no such collection, or what it holds is under something else.
    pub fn add(&self, collection: &str, name: &str) -> Result<(), UnknownCollection> {
        let kind = top_kind(collection)?;
        self.engine.add_sample(kind, name, Duration::ZERO);
        Ok(())
    }

    /// Lets the next deployment of a resource end as `FAILED`, whether it exists yet or not.
    ///
    /// # Errors
    ///
    /// If the emulator has no such collection, or what it holds is under something else.
    pub fn fail_next_deployment(
        &self,
        collection: &str,
        name: &str,
    ) -> Result<(), UnknownCollection> {
        let kind = top_kind(collection)?;
        self.engine.store.open().fail_next(kind, name);
        Ok(())
    }

    /// The script of a workload, whether the workload exists yet or not. Without one a workload
    /// behaves as usual: agents echo, models answer, and what is passed on is passed on.
    ///
    /// ```
    /// use blaxel_emulator::{Behaviour, Emulator, Workload};
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// emulator
    ///     .script(&Workload::agent("support-bot"))
    ///     .then(Behaviour::unavailable())
    ///     .then(Behaviour::json(json!({"output": "Good morning."})))
    ///     .always(Behaviour::text("Enough for today."));
    /// ```
    #[must_use]
    pub fn script(&self, workload: &Workload) -> Script {
        let engine = &self.engine;
        engine.workloads.script_of(workload, &engine.clock)
    }

    /// The callbacks of asynchronous calls that have come to an end, in the order they did; of very
    /// many the last 10,000.
    #[must_use]
    pub fn callbacks(&self) -> Vec<Callback> {
        self.engine.workloads.callbacks()
    }

    /// Ends every session with an MCP server, as a restart of the servers would. Who goes on with one is
    /// answered 404, and begins another.
    pub fn end_mcp_sessions(&self) {
        self.engine.mcp.restart();
    }

    /// Lets the next execution of a job end as `failed`, whether the job exists yet or not. An execution
    /// can ask for its end itself: by the environment variable `EMULATOR_OUTCOME`, which is `failed` or
    /// `timeout`.
    pub fn fail_next_execution(&self, job: &str) {
        self.engine.store.open().fail_next(&EXECUTIONS, job);
    }

    /// Lets the next verification of a custom domain end as `failed`, whether it exists yet or not.
    pub fn fail_next_verification(&self, domain: &str) {
        self.engine.store.open().fail_next(&CUSTOM_DOMAINS, domain);
    }

    /// Puts an image in place, built now, instead of one of the same type and name if there is one. The
    /// type is `agent`, `application`, `function`, `job` or `sandbox`.
    pub fn add_image(&self, resource_type: &str, name: &str) {
        initial_data::add_image(&self.engine, resource_type, name, 64 << 20, Duration::ZERO);
    }

    /// Lets another account offer an image to the workspace. It waits among the pending shares to be
    /// accepted.
    pub fn offer_image(&self, resource_type: &str, name: &str) {
        router::offer_image(&mut self.engine.store.open(), resource_type, name);
    }

    /// Puts an agent in place, created now, instead of one of the same name if there is one.
    pub fn add_agent(&self, name: &str) {
        self.engine.add_sample(&AGENTS, name, Duration::ZERO);
    }

    /// Puts a model in place, created now, instead of one of the same name if there is one.
    pub fn add_model(&self, name: &str) {
        self.engine.add_sample(&MODELS, name, Duration::ZERO);
    }
}

/// The kind of a collection that is under nothing.
fn top_kind(collection: &str) -> Result<&'static Kind, UnknownCollection> {
    let mut kinds = KINDS.iter().filter(|kind| kind.parent.is_none());
    let kind = kinds.find(|kind| kind.path == collection).copied();
    kind.ok_or_else(|| UnknownCollection(collection.to_owned()))
}

/// A collection that the emulator does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCollection(String);

impl fmt::Display for UnknownCollection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the emulator has no collection `{}` of its own", self.0)
    }
}

impl std::error::Error for UnknownCollection {}

/// Ends the tasks of an engine when it is dropped. The tasks hold the engine themselves, so that its
/// own end would never come.
struct StopTasks(Arc<Engine>);

impl Drop for StopTasks {
    fn drop(&mut self) {
        self.0.workloads.tasks.end();
    }
}

impl fmt::Debug for Emulator {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("url", &self.url())
            .field("workspace", &self.workspace())
            .field("serving", &self.server.is_some())
            .finish_non_exhaustive()
    }
}
