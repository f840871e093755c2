//! [`Builder`], which configures an emulator, and the default settings.

mod data;
mod observed;
mod socket;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blaxel_core::Timestamp;
use blaxel_guest::Guest;
#[cfg(all(feature = "local-guests", target_os = "linux"))]
use blaxel_guest::{LocalGuest, LocalGuestBuilder, LocalGuestError};

use crate::catalog::FEATURES;
use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::engine::{Config, Engine};
use crate::incident::Incident;
use crate::initial_data::add_initial_data;
use crate::tls::{Place, Trust};
use crate::workload::{InvalidTarget, Target, Workload};

/// The default workspace.
pub const DEFAULT_WORKSPACE: &str = "demo";
/// The default API key.
pub const DEFAULT_API_KEY: &str = "bl_emulator_key";
/// The id of the default OAuth 2.0 client.
pub const DEFAULT_CLIENT_ID: &str = "emulator-client";
/// The secret of the default OAuth 2.0 client.
pub const DEFAULT_CLIENT_SECRET: &str = "emulator-secret";

/// The models of a new emulator, oldest first.
const DEFAULT_MODELS: [&str; 7] = [
    "sandbox-openai",
    "gpt-4o-mini",
    "claude-haiku",
    "claude-sonnet",
    "gemini-flash",
    "mistral-small",
    "deepseek-chat",
];

/// The origin of an emulator without a socket. The top-level domain `invalid` is reserved and never
/// resolves.
const OFFLINE_ORIGIN: &str = "https://emulator.invalid";

/// Configures an [`Emulator`]. Created by [`Emulator::builder`].
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::Emulator;
///
/// let emulator = Emulator::builder()
///     .workspace("acme")
///     .deploy_time(Duration::from_secs(5))
///     .models(["gpt-5", "claude-haiku"])
///     .build();
/// assert_eq!(emulator.workspace(), "acme");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Builder {
    config: Config,
    port: u16,
    start_time: Option<SystemTime>,
    /// The number of seconds that pass on the clock in one real second.
    clock_rate: u32,
    incidents: Vec<Incident>,
    /// The place of the certificate authority. `None` for a server without TLS.
    tls: Option<Place>,
    passes_others: bool,
}

impl Emulator {
    /// Starts an emulator with the default settings on a free port of 127.0.0.1.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let emulator = blaxel_emulator::Emulator::start().await?;
    /// println!("{}", emulator.url());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if no port can be bound.
    pub async fn start() -> Result<Self, io::Error> {
        Self::builder().start().await
    }

    /// Creates an emulator with the default settings and without a socket. Its requests go through
    /// [`service`](Self::service).
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.add_agent("support-bot");
    /// ```
    #[must_use]
    pub fn offline() -> Self {
        Self::builder().build()
    }

    /// Returns a builder with the default settings. See [`Builder`].
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
                standby_after: Duration::from_secs(15),
                snapshot_time: Duration::ZERO,
                archive_time: Duration::ZERO,
                features: FEATURES
                    .map(|(key, enabled)| (key.to_owned(), enabled))
                    .into(),
                wake_time: Duration::ZERO,
                execution_time: Duration::from_secs(2),
                total_limit: usize::MAX,
                job_parallelism: usize::MAX,
                job_capacity: usize::MAX,
                device_approval: Some(Duration::from_secs(2)),
                models: DEFAULT_MODELS.map(str::to_owned).into(),
                forwards: HashMap::new(),
                callbacks_anywhere: false,
                trust: Trust::default(),
                journal_contents: None,
                data: None,
                chaos: None,
                machines: None,
            },
            port: 0,
            start_time: None,
            clock_rate: 0,
            incidents: Vec::new(),
            tls: None,
            passes_others: false,
        }
    }

    /// Sets the name of the workspace. The default is [`DEFAULT_WORKSPACE`].
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.config.workspace = name.into();
        self
    }

    /// Sets the OAuth 2.0 client. The default is [`DEFAULT_CLIENT_ID`] with
    /// [`DEFAULT_CLIENT_SECRET`].
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.config.client_id = id.into();
        self.config.client_secret = secret.into();
        self
    }

    /// Sets the API key. The default is [`DEFAULT_API_KEY`].
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.config.api_key = key.into();
        self
    }

    /// Sets the seed of the billing history and of the logs: the same seed gives the same history.
    /// The default is 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Sets the time that the clock shows at first. The default is the real time, which is also
    /// used if the text of `time` cannot be parsed.
    pub fn start_time(mut self, time: Timestamp) -> Self {
        self.start_time = time.to_system_time();
        self
    }

    /// Makes the clock follow the real one. By default it stands still until
    /// [`Clock::advance`](crate::Clock::advance) moves it.
    pub fn real_clock(self) -> Self {
        self.clock_rate(1)
    }

    /// Makes the clock follow the real one, `rate` times as fast. With 0 it stands still, which is the
    /// default; with 1 it is as [`real_clock`](Self::real_clock) makes it.
    ///
    /// Clients have their own clocks, so a deadline of theirs does not pass faster.
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    ///
    /// // An hour passes in a minute.
    /// let emulator = Emulator::builder().clock_rate(60).build();
    /// # let _ = emulator;
    /// ```
    pub fn clock_rate(mut self, rate: u32) -> Self {
        self.clock_rate = rate;
        self
    }

    /// Makes a failure happen once that clients of the platform have met. May be called again for
    /// others; see [`Emulator::incident`].
    pub fn incident(mut self, incident: Incident) -> Self {
        self.incidents.push(incident);
        self
    }

    /// Sets the port of 127.0.0.1 to listen on. By default a free one is chosen.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets whether the credentials belong to an account admin, who may query costs by workspace.
    /// The default is `true`.
    pub fn account_admin(mut self, is_admin: bool) -> Self {
        self.config.account_admin = is_admin;
        self
    }

    /// Sets the pause between two chunks of a streamed response, in real time. The default is no
    /// pause.
    ///
    /// A pause needs a tokio runtime with timers. The chunks are sent one by one in any case.
    pub fn stream_pause(mut self, pause: Duration) -> Self {
        self.config.stream_pause = pause;
        self
    }

    /// Sets the duration of a deployment, on the emulator's clock.
    ///
    /// By default it is zero: a created resource is `DEPLOYED` at once. Otherwise it is `DEPLOYING`
    /// for this long, or `DEACTIVATING` if it is created or set as disabled.
    pub fn deploy_time(mut self, time: Duration) -> Self {
        self.config.deploy_time = time;
        self
    }

    /// Sets how long an uploaded resource is `BUILDING` before it is deployed, on the emulator's
    /// clock.
    ///
    /// The default is 2 seconds, and not zero, since clients accept a resource as built only after
    /// they saw it being built.
    pub fn build_time(mut self, time: Duration) -> Self {
        self.config.build_time = time;
        self
    }

    /// Sets the duration of a deletion, on the emulator's clock.
    ///
    /// By default it is zero: a deleted resource is gone at once. Otherwise it is `DELETING` for
    /// this long, and a sandbox then stays as `TERMINATED` for its
    /// `spec.lifecycle.terminatedRetention`, or 5 minutes.
    pub fn delete_time(mut self, time: Duration) -> Self {
        self.config.delete_time = time;
        self
    }

    /// Sets how long a snapshot of a sandbox is `pending`, on the emulator's clock. The default is zero:
    /// it is `ready` at once.
    pub fn snapshot_time(mut self, time: Duration) -> Self {
        self.config.snapshot_time = time;
        self
    }

    /// Sets how long a sandbox is `ARCHIVING`, and later `UNARCHIVING`, on the emulator's clock. The
    /// default is zero: it is `ARCHIVED` and `DEPLOYED` at once.
    pub fn archive_time(mut self, time: Duration) -> Self {
        self.config.archive_time = time;
        self
    }

    /// Sets a feature flag of the workspace. By default all are enabled but `gpu-jobs`.
    ///
    /// Without `sandbox-archives`, sandboxes cannot be archived: the response is a 403. The other flags
    /// are shown, and have no effect.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::builder()
    ///     .feature("sandbox-archives", false)
    ///     .build();
    /// # let _ = emulator;
    /// ```
    pub fn feature(mut self, key: impl Into<String>, enabled: bool) -> Self {
        self.config.features.insert(key.into(), enabled);
        self
    }

    /// Sets the time without a connection after which a sandbox goes on standby, on the emulator's
    /// clock. The default is 15 seconds, and [`Duration::MAX`] stands for never.
    ///
    /// On standby the processes of the sandbox stand still and `state` is `STANDBY`. The next call
    /// wakes it up. Calls, streams, WebSockets and processes with `keepAlive` keep it awake.
    pub fn standby_after(mut self, time: Duration) -> Self {
        self.config.standby_after = time;
        self
    }

    /// Sets how long a sandbox takes to wake up from standby, on the emulator's clock. The first call
    /// waits for it. The default is zero.
    ///
    /// The fault of the operation `WakeSandbox` is what the first call meets:
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Fault};
    /// use http::StatusCode;
    ///
    /// let emulator = Emulator::offline();
    /// let cold = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    /// emulator.fault("WakeSandbox", cold, 1)?;
    /// # Ok::<(), blaxel_emulator::UnknownOperation>(())
    /// ```
    pub fn wake_time(mut self, time: Duration) -> Self {
        self.config.wake_time = time;
        self
    }

    /// Sets the total duration of a job execution whose tasks all run at once, on the emulator's clock. The default is
    /// 2 seconds.
    ///
    /// An execution is `queued` for the first eighth of it, `pending` for the second, and then `running`. It takes
    /// longer if its tasks run [one after the other](Self::job_parallelism), if it waits for
    /// [capacity](Self::job_capacity), and if tasks are retried: each attempt takes six eighths.
    pub fn execution_time(mut self, time: Duration) -> Self {
        self.config.execution_time = time;
        self
    }

    /// Sets the number up to which lists count the resources of a workspace. The total of a longer list is this
    /// number, with `totalIsPartial`. By default everything is counted.
    pub fn total_limit(mut self, items: usize) -> Self {
        self.config.total_limit = items;
        self
    }

    /// Sets the number of tasks that one execution of a job runs at the same time, at least 1. By default it runs all of
    /// them. The execution shows it as `spec.parallelism`.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::builder().job_parallelism(2).job_capacity(4).build();
    /// # let _ = emulator;
    /// ```
    pub fn job_parallelism(mut self, tasks: usize) -> Self {
        self.config.job_parallelism = tasks.max(1);
        self
    }

    /// Sets the number of tasks that all executions of jobs run at the same time, at least 1. By default there is no
    /// limit.
    ///
    /// An execution stays `queued` until it fits in and all earlier ones have started. With `allowQueue: false` it is
    /// refused instead, with status 429; with status 400 if it would never fit in.
    pub fn job_capacity(mut self, tasks: usize) -> Self {
        self.config.job_capacity = tasks.max(1);
        self
    }

    /// Sets the time after which a device login is approved as if its user had done so, on the
    /// emulator's clock. The default is 2 seconds. Fractions of a second are ignored.
    pub fn approve_device_logins_after(mut self, moment: Duration) -> Self {
        self.config.device_approval = Some(moment);
        self
    }

    /// Makes every device login fail as if its user had denied it.
    pub fn deny_device_logins(mut self) -> Self {
        self.config.device_approval = None;
        self
    }

    /// Forwards the calls of a workload to a server at `url`, such as one under development. By
    /// default the emulator answers the calls itself.
    ///
    /// The gateway checks the credentials and forwards method, path below the workload's own,
    /// query, headers and body, and streams the response back. The workload is created if it does
    /// not exist. If the server cannot be reached the response is a 502 with the code
    /// `BAD_GATEWAY`.
    ///
    /// Only `http://` is supported, and only to 127.0.0.1, `::1` and localhost.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Workload};
    ///
    /// let emulator = Emulator::builder()
    ///     .forward(Workload::agent("support-bot"), "http://127.0.0.1:1338")?
    ///     .build();
    /// # let _ = emulator;
    /// # Ok::<(), blaxel_emulator::InvalidTarget>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `url` is not a URL that the emulator may call.
    pub fn forward(mut self, workload: Workload, url: &str) -> Result<Self, InvalidTarget> {
        let target = Target::parse(url, false)?;
        self.config.forwards.insert(workload, target);
        Ok(self)
    }

    /// Allows callbacks of asynchronous calls to any host. By default only 127.0.0.1, `::1` and
    /// localhost are called. Only `http://` is supported in either case.
    pub fn call_back_anywhere(mut self) -> Self {
        self.config.callbacks_anywhere = true;
        self
    }

    /// Sets the function that makes the machine of a sandbox when the sandbox is first called, from its
    /// name and the emulator's clock. By default it is
    /// [`SimulatedGuest::new`](blaxel_guest::SimulatedGuest::new).
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    /// use blaxel_emulator::blaxel_guest::SimulatedGuest;
    ///
    /// let emulator = Emulator::builder()
    ///     .machines(|_, clock| {
    ///         let guest = SimulatedGuest::new(clock.clone());
    ///         guest.memory().root().resize(8 << 30);
    ///         guest
    ///     })
    ///     .build();
    /// # let _ = emulator;
    /// ```
    pub fn machines<F, G>(self, make: F) -> Self
    where
        F: Fn(&str, &Clock) -> G + Send + Sync + 'static,
        G: Guest,
    {
        self.sandbox_servers(move |name, clock| blaxel_guest::Server::builder(make(name, clock)))
    }

    /// Sets the function that starts to build the server of a sandbox when the sandbox is first called, from
    /// its name and the emulator's clock. It replaces [`machines`](Self::machines), and can set the version of
    /// the server too. The emulator adds the variables of the sandbox's document, its volumes, and the drives
    /// that the sandbox may mount.
    ///
    /// ```
    /// use blaxel_emulator::Emulator;
    /// use blaxel_emulator::blaxel_guest::{Server, ServerVersion, SimulatedGuest};
    ///
    /// let emulator = Emulator::builder()
    ///     .sandbox_servers(|_, clock| {
    ///         let guest = SimulatedGuest::new(clock.clone());
    ///         Server::builder(guest).version(ServerVersion::August)
    ///     })
    ///     .build();
    /// # let _ = emulator;
    /// ```
    pub fn sandbox_servers<F>(mut self, start: F) -> Self
    where
        F: Fn(&str, &Clock) -> blaxel_guest::Builder + Send + Sync + 'static,
    {
        let make = move |name: &str, _: &str, clock: &Clock| start(name, clock);
        self.config.machines = Some(Arc::new(make));
        self
    }

    /// Runs the commands of sandboxes on this machine, each sandbox in a root directory of its own,
    /// isolated by bubblewrap. See [`LocalGuest`](blaxel_guest::LocalGuest) for what that means; it is
    /// for tests, and not a security boundary for hostile code.
    ///
    /// The clock then follows the real one, as with [`real_clock`](Self::real_clock), since commands
    /// take real time. Replaces [`machines`](Self::machines).
    ///
    /// ```no_run
    /// use blaxel_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().local_guests()?.build();
    /// # let _ = emulator;
    /// # Ok::<(), blaxel_emulator::blaxel_guest::LocalGuestError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if bubblewrap is not installed, or cannot isolate commands here.
    #[cfg(all(feature = "local-guests", target_os = "linux"))]
    #[cfg_attr(docsrs, doc(cfg(feature = "local-guests")))]
    pub fn local_guests(self) -> Result<Self, LocalGuestError> {
        self.guests(LocalGuest::builder())
    }

    /// Runs the commands of sandboxes as usual processes of the user who runs the emulator. They can
    /// read and change all that this user can. Otherwise as [`local_guests`](Self::local_guests).
    ///
    /// # Errors
    ///
    /// Returns an error if no root directory can be created.
    #[cfg(all(feature = "local-guests", target_os = "linux"))]
    #[cfg_attr(docsrs, doc(cfg(feature = "local-guests")))]
    pub fn unconfined_local_guests(self) -> Result<Self, LocalGuestError> {
        self.guests(LocalGuest::builder().unconfined())
    }

    #[cfg(all(feature = "local-guests", target_os = "linux"))]
    fn guests(self, guests: LocalGuestBuilder) -> Result<Self, LocalGuestError> {
        guests.check()?;
        let mut builder = self.real_clock();
        let make = move |_: &str, image: &str, clock: &Clock| {
            let guest = guests.clone().image(image).build_on_use(clock.clone());
            blaxel_guest::Server::builder(guest)
        };
        builder.config.machines = Some(Arc::new(make));
        Ok(builder)
    }

    /// Sets the models of a new emulator, oldest first. The default is a list of seven.
    pub fn models<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.config.models = names.into_iter().map(Into::into).collect();
        self
    }

    /// Creates the emulator without a socket. It is reached by [`Emulator::service`] only and needs
    /// no async runtime.
    #[must_use]
    pub fn build(self) -> Emulator {
        let engine = self.engine(OFFLINE_ORIGIN.to_owned());
        Emulator::new(engine, None)
    }

    fn engine(self, origin: String) -> Arc<Engine> {
        let start = self.start_time.unwrap_or_else(SystemTime::now);
        let clock = Clock::fast_from(start, self.clock_rate);
        let engine = Engine::new(self.config, clock, origin);
        add_initial_data(&engine);
        for incident in self.incidents {
            incident.begin(&engine.clock, &engine.faults);
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
