//! Settings up an emulator: the defaults, and the ways to differ from them.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blaxel_core::Timestamp;

use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::engine::{Config, Engine};
use crate::initial_data::add_initial_data;
use crate::server::Server;
use crate::state::{Collection, MODELS};
use crate::workload::{InvalidTarget, Target, Workload};

/// The workspace, unless another is chosen.
pub const DEFAULT_WORKSPACE: &str = "demo";
/// The API key, unless another is chosen.
pub const DEFAULT_API_KEY: &str = "bl_emulator_key";
/// The id of the OAuth 2.0 client, unless another is chosen.
pub const DEFAULT_CLIENT_ID: &str = "emulator-client";
/// The secret of the OAuth 2.0 client, unless another is chosen.
pub const DEFAULT_CLIENT_SECRET: &str = "emulator-secret";

/// The models of a fresh emulator, oldest first.
const DEFAULT_MODELS: [&str; 7] = [
    "sandbox-openai",
    "gpt-4o-mini",
    "claude-haiku",
    "claude-sonnet",
    "gemini-flash",
    "mistral-small",
    "deepseek-chat",
];

/// The origin of an emulator without a socket. The name is reserved: it leads nowhere.
const OFFLINE_ORIGIN: &str = "https://emulator.invalid";

/// Sets up an [`Emulator`]; made by [`Emulator::builder`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    config: Config,
    port: u16,
    start_time: Option<SystemTime>,
    real_clock: bool,
    models: Vec<String>,
}

impl Emulator {
    /// Starts an emulator with the defaults on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn start() -> Result<Self, io::Error> {
        Self::builder().start().await
    }

    /// An emulator with the defaults and without a socket; see [`service`](Self::service).
    #[must_use]
    pub fn offline() -> Self {
        Self::builder().build()
    }

    /// Sets up an emulator that differs from the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            config: Config {
                workspace: DEFAULT_WORKSPACE.to_owned(),
                client_id: DEFAULT_CLIENT_ID.to_owned(),
                client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
                api_key: DEFAULT_API_KEY.to_owned(),
                seed: 1,
                account_admin: true,
                stream_pause: Duration::ZERO,
                deploy_time: Duration::ZERO,
                build_time: Duration::from_secs(2),
                delete_time: Duration::ZERO,
                execution_time: Duration::from_secs(2),
                device_approval: Some(Duration::from_secs(2)),
                forwards: HashMap::new(),
                callbacks_anywhere: false,
            },
            port: 0,
            start_time: None,
            real_clock: false,
            models: DEFAULT_MODELS.map(str::to_owned).into(),
        }
    }

    /// The one workspace. [`DEFAULT_WORKSPACE`] unless set.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.config.workspace = name.into();
        self
    }

    /// The one OAuth 2.0 client. [`DEFAULT_CLIENT_ID`] and [`DEFAULT_CLIENT_SECRET`] unless set.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.config.client_id = id.into();
        self.config.client_secret = secret.into();
        self
    }

    /// The one API key. [`DEFAULT_API_KEY`] unless set.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.config.api_key = key.into();
        self
    }

    /// What the billing history is made from: the same seed gives the same history. 1 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// What the clock shows at the start. The real time unless set, and if the text of `time` is no
    /// time.
    pub fn start_time(mut self, time: Timestamp) -> Self {
        self.start_time = time.to_system_time();
        self
    }

    /// Lets the clock follow the real one. Without this it stands still until
    /// [`Clock::advance`](crate::Clock::advance) moves it.
    pub fn real_clock(mut self) -> Self {
        self.real_clock = true;
        self
    }

    /// The port to listen at. A free one is taken unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether the credentials are those of an account admin, who may ask for costs by workspace.
    /// True unless set.
    pub fn account_admin(mut self, is_admin: bool) -> Self {
        self.config.account_admin = is_admin;
        self
    }

    /// How long a streamed answer rests between two chunks, in real time. Not at all unless set; a
    /// pause needs a tokio runtime with timers. The chunks come one by one in any case.
    pub fn stream_pause(mut self, pause: Duration) -> Self {
        self.config.stream_pause = pause;
        self
    }

    /// How long a deployment lasts, by the emulator's clock. Unless set, what is created is `DEPLOYED`
    /// at once. Otherwise it is `DEPLOYING` for so long, or `DEACTIVATING` if it is to be disabled.
    pub fn deploy_time(mut self, time: Duration) -> Self {
        self.config.deploy_time = time;
        self
    }

    /// How long what was uploaded is `BUILDING`, by the emulator's clock, before it is deployed. Two
    /// seconds unless set: clients take a resource for built only after they saw it in the making.
    pub fn build_time(mut self, time: Duration) -> Self {
        self.config.build_time = time;
        self
    }

    /// How long a deletion lasts, by the emulator's clock. Unless set, what is deleted is gone at once.
    /// Otherwise it is `DELETING` for so long; and a sandbox stays as `TERMINATED` for five minutes
    /// more, or as long as its `spec.lifecycle.terminatedRetention` says.
    pub fn delete_time(mut self, time: Duration) -> Self {
        self.config.delete_time = time;
        self
    }

    /// How long an execution of a job lasts in all, by the emulator's clock. Two seconds unless set: the
    /// first eighth it is `queued`, the second `pending`, and `running` from then on.
    pub fn execution_time(mut self, time: Duration) -> Self {
        self.config.execution_time = time;
        self
    }

    /// How long after its start, by the emulator's clock, a device login confirms itself, as if its
    /// user had. Two seconds unless set. Whole seconds count.
    pub fn approve_device_logins_after(mut self, moment: Duration) -> Self {
        self.config.device_approval = Some(moment);
        self
    }

    /// Denies every device login, as if its user had.
    pub fn deny_device_logins(mut self) -> Self {
        self.config.device_approval = None;
        self
    }

    /// Lets a server at `url` stand behind a workload, such as one that is being developed: the gateway
    /// asks for credentials and passes every call on, with its method, its path below the workload's
    /// own, its query, its headers and its body, both ways as it comes. The workload is put in place if
    /// nothing of its name is there. If the server does not answer the gateway says so, with 502 and
    /// the code `BAD_GATEWAY`.
    ///
    /// Only `http://` is spoken, and only 127.0.0.1, `::1` and localhost are called.
    ///
    /// # Errors
    ///
    /// If the URL is none that can be called so.
    pub fn forward(mut self, workload: Workload, url: &str) -> Result<Self, InvalidTarget> {
        let target = Target::parse(url, false)?;
        self.config.forwards.insert(workload, target);
        Ok(self)
    }

    /// Lets callbacks of asynchronous calls go to any machine. Unless set, only 127.0.0.1, `::1` and
    /// localhost are called. Only `http://` is spoken in any case.
    pub fn call_back_anywhere(mut self) -> Self {
        self.config.callbacks_anywhere = true;
        self
    }

    /// The models to begin with, oldest first. Seven unless set.
    pub fn models<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.models = names.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the emulator without a socket: it is reached by [`Emulator::service`] only. This needs
    /// no runtime.
    #[must_use]
    pub fn build(self) -> Emulator {
        let engine = self.engine(OFFLINE_ORIGIN.to_owned());
        Emulator::new(engine, None)
    }

    /// Makes the emulator and serves it on 127.0.0.1, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the port cannot be had.
    pub async fn start(self) -> Result<Emulator, io::Error> {
        let server = Server::bind(self.port).await?;
        let engine = self.engine(server.origin());
        let router = crate::router::router(&engine);
        Ok(Emulator::new(engine, Some(server.serve(router))))
    }

    fn engine(self, origin: String) -> Arc<Engine> {
        let clock = Clock::new(self.start_time, self.real_clock);
        let forwarded: Vec<_> = self.config.forwards.keys().cloned().collect();
        let engine = Engine::new(self.config, clock, origin);
        add_initial_data(&engine);
        // The models were made one hour after the other, the last one an hour ago.
        for (name, hours) in self.models.iter().zip((1..=self.models.len() as u64).rev()) {
            engine.add_sample(&MODELS, name, Duration::from_secs(hours * 3600));
        }
        for workload in forwarded {
            let collection = Collection::top(workload.kind());
            let is_there = engine
                .store
                .open()
                .get(&collection, workload.name())
                .is_some();
            if !is_there {
                engine.add_sample(workload.kind(), workload.name(), Duration::ZERO);
            }
        }
        Arc::new(engine)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workspace", &self.config.workspace)
            .field("port", &self.port)
            .field("seed", &self.config.seed)
            .finish_non_exhaustive()
    }
}
