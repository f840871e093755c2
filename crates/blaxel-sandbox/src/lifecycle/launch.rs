//! [`Launch`]: a sandbox that is about to be created or found, with the steps after it.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use blaxel_core::{BoxFuture, Error, HttpService};
use blaxel_management::Outcome;
use blaxel_management::sandboxes::Sandbox;

use super::drive_mount::DriveMount;
use super::plan::{Mode, OnSetupFailure, Plan};
use super::run::Run;
use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

/// A sandbox that is about to be launched, created by [`Sandboxes::create`] and [`Sandboxes::ensure`]. Await it to launch
/// the sandbox, which returns a handle on it.
///
/// The steps, of which only the first one happens by default:
///
/// 1. The sandbox is created, or found, and waited for until it is ready. New drives are created at the same time.
/// 2. It is [probed](Self::probe).
/// 3. [Drives](Self::mount) are mounted, at most 5 at the same time.
///
/// If a later step fails, a sandbox that this call has created is deleted again by default; see
/// [`on_setup_failure`](Self::on_setup_failure). So a sandbox that is returned is complete, and the error of one that is
/// not complete says what remains.
///
/// It needs a tokio runtime with timers. If the future is dropped, a background task of at most 10 seconds deletes what
/// the launch has made so far; a sandbox whose creation is still under way is not known, and may remain.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
/// use std::time::Duration;
/// use blaxel_management::drives::Drive;
/// use blaxel_sandbox::drives::MountOptions;
/// use blaxel_sandbox::{DriveMount, Sandbox};
///
/// let sandbox = sandboxes
///     .create(&Sandbox::new("dev"))
///     .deadline(Duration::from_secs(30))
///     .mount(MountOptions::new("datasets", "/mnt/data").read_only(true))
///     .mount(DriveMount::created(Drive::default(), "/mnt/scratch"))
///     .probe(true)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// - [`Error::is_input`] for invalid settings. Nothing was sent.
/// - An error that is caused by a [`CreationTimeout`](blaxel_management::sandboxes::CreationTimeout) if the sandbox was
///   not ready before its [deadline](Self::deadline).
/// - [`Error::is_timeout`] after the [time limit](Self::within).
/// - [`Error::is_failed`] if the sandbox fails, and if a later step fails: then a [`SetupError`](super::SetupError) is
///   the cause.
/// - Otherwise the error of a request.
#[must_use = "nothing is sent until it is awaited"]
pub struct Launch<S> {
    plan: Plan<S>,
}

impl<S: HttpService> Launch<S> {
    pub(super) fn new(sandboxes: Sandboxes<S>, draft: Sandbox, mode: Mode) -> Self {
        Self {
            plan: Plan {
                sandboxes,
                draft,
                mode,
                mounts: Vec::new(),
                probes: false,
                on_failure: OnSetupFailure::default(),
            },
        }
    }

    /// Sets the time after which the platform cancels the creation and frees the name, in whole seconds from 1 to 50. The
    /// default is the platform's own deadline, which this can only shorten.
    ///
    /// The launch then fails with a [`CreationTimeout`](blaxel_management::sandboxes::CreationTimeout) as its cause.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.plan.mode = match self.plan.mode {
            Mode::Create(creation) => Mode::Create(creation.deadline(deadline)),
            Mode::Ensure(ensure) => Mode::Ensure(ensure.creation_deadline(deadline)),
        };
        self
    }

    /// Sets the time limit until the sandbox is ready, including all requests and delays. The default is 5 minutes.
    pub fn within(mut self, time_limit: Duration) -> Self {
        self.plan.mode = match self.plan.mode {
            Mode::Create(creation) => Mode::Create(creation.within(time_limit)),
            Mode::Ensure(ensure) => Mode::Ensure(ensure.within(time_limit)),
        };
        self
    }

    /// Sets whether an existing sandbox that differs from the draft is an error, of which the
    /// [`Drift`](blaxel_management::sandboxes::Drift) is the cause. The default is `false`. It has no effect on
    /// [`Sandboxes::create`], for which an existing sandbox is always an error.
    pub fn refuse_drift(mut self, refuse: bool) -> Self {
        if let Mode::Ensure(ensure) = self.plan.mode {
            self.plan.mode = Mode::Ensure(ensure.refuse_drift(refuse));
        }
        self
    }

    /// Adds a drive to mount: the [`MountOptions`](crate::drives::MountOptions) of an existing one, or a [`DriveMount`].
    ///
    /// Each drive is mounted as soon as it and the sandbox are ready, and the mount is read back. A drive must be in the
    /// region of the sandbox. A drive that an existing sandbox has mounted in the same way already is a success.
    pub fn mount(mut self, drive: impl Into<DriveMount>) -> Self {
        self.plan.mounts.push(drive.into());
        self
    }

    /// Sets whether the sandbox is called once, as soon as it is ready, by reading its root directory
    /// (`GET /filesystem/{path}`). The default is `false`.
    ///
    /// A sandbox that is still waking up is called again for some seconds. If the probe fails, so does the launch.
    pub fn probe(mut self, probe: bool) -> Self {
        self.plan.probes = probe;
        self
    }

    /// Sets the fate of a new sandbox that cannot be probed, or whose drives cannot be mounted. By default it is deleted.
    pub fn on_setup_failure(mut self, fate: OnSetupFailure) -> Self {
        self.plan.on_failure = fate;
        self
    }

    /// Launches the sandbox. The outcome is [`Created`](Outcome::Created) if this call created the sandbox, and
    /// [`Unchanged`](Outcome::Unchanged) if it existed.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::Sandbox;
    ///
    /// let ensured = sandboxes.ensure(&Sandbox::new("dev")).outcome().await?;
    /// if ensured.is_created() {
    ///     // Set up the new sandbox here.
    /// }
    /// let sandbox = ensured.into_resource();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Launch`].
    pub async fn outcome(self) -> Result<Outcome<SandboxHandle<S>>, Error> {
        self.plan.check()?;
        Run::new(self.plan).finish().await
    }
}

impl<S: HttpService> IntoFuture for Launch<S> {
    type Output = Result<SandboxHandle<S>, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.outcome().await.map(Outcome::into_resource) })
    }
}

impl<S> fmt::Debug for Launch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("draft", &self.plan.draft)
            .field("mounts", &self.plan.mounts)
            .finish_non_exhaustive()
    }
}
