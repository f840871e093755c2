//! The steps of a launch, as far as possible at the same time.

use std::future::poll_fn;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error, HttpService};
use blaxel_management::drives::Drive;
use blaxel_management::sandboxes::Sandbox;
use blaxel_management::{Collection, Outcome, Resource, Status, Wait};
use tokio::time::sleep;

use super::drive_mount::DriveMount;
use super::plan::{Mode, OnSetupFailure, Plan};
use super::rollback::Rollback;
use super::setup_error::SetupError;
use crate::concurrent::poll_any;
use crate::files::Attempts;
use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

/// Maximum number of drives that are worked on at the same time.
const PARALLEL: usize = 5;

/// Maximum number of further probes of a sandbox that does not respond yet, in some 10 seconds.
const PROBES: u32 = 8;

/// A launch that has begun.
pub(super) struct Run<S: HttpService> {
    sandboxes: Sandboxes<S>,
    drives: Collection<Drive, S>,
    region: Option<String>,
    probes: bool,
    deletes: bool,
    running: Vec<BoxFuture<Event>>,
    entries: Vec<Entry>,
    sandbox: Option<Outcome<Sandbox>>,
    /// `true` if drives can be mounted in the sandbox.
    reachable: bool,
    failure: Option<Failure>,
    rollback: Rollback<S>,
}

/// A drive and its state.
struct Entry {
    mount: DriveMount,
    state: State,
    /// The region of the drive, once it is known.
    region: Option<String>,
    /// `true` if this launch has created the drive.
    created: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Preparing,
    Ready,
    Mounting,
    Mounted,
}

/// The end of a step.
enum Event {
    Sandbox(Box<Result<Outcome<Sandbox>, Error>>),
    Probed(Result<(), Error>),
    /// A drive is ready. `true` if it was created.
    Drive(usize, Result<(Option<String>, bool), Error>),
    Mounted(usize, Result<(), Error>),
}

/// The first failure.
enum Failure {
    /// There is no sandbox.
    Creation(Error),
    Setup(Error),
}

impl<S: HttpService> Run<S> {
    pub(super) fn new(plan: Plan<S>) -> Self {
        let Plan {
            sandboxes,
            draft,
            mode,
            mounts,
            probes,
            on_failure,
        } = plan;
        let collection = sandboxes.collection();
        let drives = sandboxes.management().drives();
        let default = || sandboxes.new.region.as_deref().map(str::to_owned);
        let region = draft.spec.region.clone().or_else(default);
        let entry = |mount| Entry {
            mount,
            state: State::Waiting,
            region: None,
            created: false,
        };
        let defaults = sandboxes.new.defaults.clone();
        let creation = obtain(collection.clone(), draft, mode, defaults);
        Self {
            rollback: Rollback::new(collection, drives.clone()),
            sandboxes,
            drives,
            region,
            probes,
            deletes: on_failure == OnSetupFailure::Delete,
            running: vec![creation],
            entries: mounts.into_iter().map(entry).collect(),
            sandbox: None,
            reachable: false,
            failure: None,
        }
    }

    /// Runs all steps. After a failure no further step is begun, and those that have begun are waited for, so that what
    /// they have made is known.
    pub(super) async fn finish(mut self) -> Result<Outcome<SandboxHandle<S>>, Error> {
        loop {
            self.begin_steps();
            if self.running.is_empty() {
                break;
            }
            let event = poll_fn(|cx| poll_any(&mut self.running, cx)).await;
            if let Err(failure) = self.on_event(event) {
                self.failure.get_or_insert(failure);
            }
        }
        match (self.failure.take(), self.sandbox.take()) {
            (None, Some(sandbox)) => {
                self.rollback.disarm();
                Ok(sandbox.map(|sandbox| self.sandboxes.handle_of(&sandbox)))
            }
            (Some(Failure::Setup(error)), sandbox) => Err(self.roll_back(error, sandbox).await),
            (Some(Failure::Creation(error)), _) => {
                let (_, undeleted) = self.rollback.undo().await;
                Err(without_sandbox(
                    error,
                    &remaining(&self.entries, &undeleted),
                ))
            }
            (None, None) => Err(Error::failed("the launch ended without a sandbox")),
        }
    }

    /// Begins the steps that are possible now.
    fn begin_steps(&mut self) {
        while self.failure.is_none() && self.running.len() < PARALLEL {
            let region = self.known_region();
            let can_begin = |entry: &Entry| match entry.state {
                // A new drive is created in the region of the sandbox.
                State::Waiting => region.is_some() || entry.mount.new_drive().is_none(),
                State::Ready => self.reachable,
                _ => false,
            };
            let Some(index) = self.entries.iter().position(can_begin) else {
                return;
            };
            let Some(entry) = self.entries.get_mut(index) else {
                return;
            };
            let mount = entry.mount.clone();
            if entry.state == State::Ready {
                let Some(handle) = self.sandbox.as_ref().map(Outcome::resource) else {
                    return;
                };
                entry.state = State::Mounting;
                let handle = self.sandboxes.handle_of(handle);
                self.running.push(Box::pin(async move {
                    Event::Mounted(index, mount_in(&handle, &mount).await)
                }));
                continue;
            }
            entry.state = State::Preparing;
            if mount.is_generated() {
                self.rollback.add_drive(mount.name());
            }
            let drives = self.drives.clone();
            let region = region.flatten();
            self.running.push(Box::pin(async move {
                Event::Drive(index, prepare(&drives, &mount, region).await)
            }));
        }
    }

    /// Returns the region of the sandbox, `Some(None)` if it has none, or `None` if it is not known yet.
    fn known_region(&self) -> Option<Option<String>> {
        let actual = |sandbox: &Outcome<Sandbox>| sandbox.resource().spec.region.clone();
        match &self.sandbox {
            Some(sandbox) => Some(actual(sandbox).or_else(|| self.region.clone())),
            None => self.region.clone().map(Some),
        }
    }

    fn on_event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Sandbox(outcome) => {
                let sandbox = (*outcome).map_err(Failure::Creation)?;
                if sandbox.is_created() && self.deletes {
                    self.rollback.add_sandbox(sandbox.resource().name());
                }
                let handle = self.sandboxes.handle_of(sandbox.resource());
                self.sandbox = Some(sandbox);
                self.reachable = !self.probes;
                if self.probes && self.failure.is_none() {
                    self.running
                        .push(Box::pin(async move { Event::Probed(probe(&handle).await) }));
                }
                self.check_regions()
            }
            Event::Probed(outcome) => {
                outcome.map_err(|error| {
                    Failure::Setup(error.with_subject("the sandbox does not respond"))
                })?;
                self.reachable = true;
                Ok(())
            }
            Event::Drive(index, outcome) => {
                let Some(entry) = self.entries.get_mut(index) else {
                    return Ok(());
                };
                let about = |error: Error| {
                    let subject = format!("the drive `{}`", entry.mount.name());
                    Failure::Setup(error.with_subject(subject))
                };
                let (region, created) = outcome.map_err(about)?;
                (entry.region, entry.created) = (region, created);
                entry.state = State::Ready;
                self.check_regions()
            }
            Event::Mounted(index, outcome) => {
                let Some(entry) = self.entries.get_mut(index) else {
                    return Ok(());
                };
                let options = entry.mount.options();
                let (drive, path) = (options.drive_name(), options.mount_path());
                outcome.map_err(|error| {
                    let subject = format!("the drive `{drive}` at `{path}`");
                    Failure::Setup(error.with_subject(subject))
                })?;
                entry.state = State::Mounted;
                self.rollback.set_mounted(drive);
                Ok(())
            }
        }
    }

    /// Refuses drives that are in another region than the sandbox, as far as both are known.
    fn check_regions(&self) -> Result<(), Failure> {
        let Some(own) = self.known_region().flatten() else {
            return Ok(());
        };
        for entry in &self.entries {
            if let Some(region) = entry.region.as_ref().filter(|region| **region != own) {
                let message = format!(
                    "the drive `{}` is in the region `{region}`, and the sandbox in `{own}`",
                    entry.mount.name()
                );
                return Err(Failure::Setup(Error::failed(message)));
            }
        }
        Ok(())
    }

    /// Deletes what is to be deleted, and creates the error that says what remains.
    async fn roll_back(self, error: Error, sandbox: Option<Outcome<Sandbox>>) -> Error {
        let name = sandbox
            .as_ref()
            .map(|sandbox| sandbox.resource().name().to_owned());
        let is_to_delete = self.deletes && sandbox.as_ref().is_some_and(Outcome::is_created);
        let (undeleted, drives) = self.rollback.undo().await;
        let remains = if is_to_delete {
            undeleted
        } else {
            name.clone()
        };
        let drives = remaining(&self.entries, &drives);
        let setup = SetupError {
            error,
            sandbox: remains,
            drives,
        };
        let message = match name {
            Some(name) => format!("the sandbox `{name}` could not be set up"),
            None => {
                "the sandbox was not created, because its drives could not be prepared".to_owned()
            }
        };
        Error::failed(message).caused_by(setup)
    }
}

/// Returns the names of the created drives that remain: those with names of the caller's own, and the undeleted ones.
fn remaining(entries: &[Entry], undeleted: &[String]) -> Vec<String> {
    let remains = |entry: &&Entry| match entry.mount.is_generated() {
        true => undeleted.iter().any(|name| name == entry.mount.name()),
        false => entry.created,
    };
    let remaining = entries.iter().filter(remains);
    remaining
        .map(|entry| entry.mount.name().to_owned())
        .collect()
}

/// Adds the drives that remain to the error of a creation.
fn without_sandbox(error: Error, drives: &[String]) -> Error {
    if drives.is_empty() {
        return error;
    }
    error.with_subject(format!(
        "there are new drives `{}` now",
        drives.join("`, `")
    ))
}

/// Creates or finds the sandbox.
fn obtain<S: HttpService>(
    sandboxes: Collection<Sandbox, S>,
    draft: Sandbox,
    mode: Mode,
    defaults: blaxel_management::sandboxes::SandboxDefaults,
) -> BoxFuture<Event> {
    Box::pin(async move {
        let outcome = match mode {
            Mode::Create(creation) => {
                let creation = creation.defaults(defaults);
                let made = sandboxes.create_ready(&draft, &creation).await;
                made.map(Outcome::Created)
            }
            Mode::Ensure(ensure) => sandboxes.ensure(&draft, &ensure.defaults(defaults)).await,
        };
        Event::Sandbox(Box::new(outcome))
    })
}

/// Reads the root directory of a sandbox, until it responds.
async fn probe<S: HttpService>(sandbox: &SandboxHandle<S>) -> Result<(), Error> {
    let mut attempts = Attempts::default();
    loop {
        let error = match sandbox.fs().read_dir("/").try_next().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match attempts.next(PROBES).filter(|_| error.is_transient()) {
            Some(delay) => sleep(delay.max(error.retry_after().unwrap_or_default())).await,
            None => return Err(error),
        }
    }
}

/// Finds or creates a drive, and waits until it is ready. Returns its region, and whether it was created.
async fn prepare<S: HttpService>(
    drives: &Collection<Drive, S>,
    mount: &DriveMount,
    region: Option<String>,
) -> Result<(Option<String>, bool), Error> {
    let name = mount.name();
    let (drive, created) = match mount.new_drive() {
        Some(draft) => {
            let mut draft = draft.clone();
            draft.spec.region = draft.spec.region.or(region);
            create(drives, &draft).await?
        }
        None => (drives.get(name).await?, false),
    };
    let is_ready = |drive: &Drive| matches!(drive.status, None | Some(Status::Deployed));
    let drive = match is_ready(&drive) {
        true => drive,
        false => drives.wait_until(name, &Wait::new(), is_ready).await?,
    };
    Ok((drive.spec.region, created))
}

/// Creates a drive, or finds the one of its name.
async fn create<S: HttpService>(
    drives: &Collection<Drive, S>,
    draft: &Drive,
) -> Result<(Drive, bool), Error> {
    let error = match drives.get_or_create(draft).await {
        Ok(outcome) => {
            let created = outcome.is_created();
            return Ok((outcome.into_resource(), created));
        }
        Err(error) => error,
    };
    // The name tells whether a request without a response was applied.
    if error.maybe_applied()
        && let Ok(Some(drive)) = drives.find(draft.name()).await
    {
        return Ok((drive, true));
    }
    Err(error)
}

/// Mounts a drive, and reads the mount back.
async fn mount_in<S: HttpService>(
    sandbox: &SandboxHandle<S>,
    mount: &DriveMount,
) -> Result<(), Error> {
    sandbox.drives().mount(mount.options()).await.map(drop)
}
