//! The machines of the sandboxes.
//!
//! A machine starts when its sandbox is first called. It ends with its sandbox, also if nobody calls
//! it then, and when the spec that it was made from changes.

mod drives;
mod ended;
mod machine;
mod plans;
mod saved;
mod source;
mod startup;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use blaxel_guest::{Server, SimulatedGuest};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::ended::{until_ended, wait_for_end};
use self::machine::Machine;
pub(crate) use self::machine::MakeMachine;
pub(crate) use self::plans::Plan;
use self::plans::Plans;
use self::saved::Saved;
pub(crate) use self::source::{Frozen, Source};
use self::startup::Startup;
use crate::background::in_background;
use crate::clock::Clock;
use crate::lock::lock;
use crate::state::{Collection, Contents, OpenStore, Record, SANDBOXES, Store, member, status};

/// The machines of the sandboxes that were called.
pub(crate) struct Guests(Arc<Shared>);

struct Shared {
    clock: Clock,
    make: Option<MakeMachine>,
    store: Arc<Store>,
    running: Mutex<HashMap<String, Machine>>,
    plans: Plans,
    /// The task that ends machines in time.
    watcher: Mutex<Option<JoinHandle<()>>>,
}

/// A machine that was ended, and contents that nobody has any more. Dropping them, which ends processes and removes
/// files, may block for long.
#[must_use]
pub(crate) struct Ended(
    #[expect(dead_code, reason = "it is dropped")] Option<Machine>,
    #[expect(dead_code, reason = "they are dropped")] Contents,
);

impl Ended {
    /// Ends the processes and removes the files. The store must not be locked.
    pub(crate) async fn finish(self) {
        in_background(move || drop(self)).await;
    }
}

/// A machine for a call.
pub(crate) struct Guest {
    pub(crate) clock: Clock,
    /// Closed when the machine ends.
    pub(crate) ended: watch::Receiver<()>,
    startup: Arc<Startup>,
    saved: Arc<Saved>,
    may_run: bool,
}

impl Guest {
    /// Returns the server, building it if this is the first call. Then the processes of an earlier machine are started,
    /// if they may run and do not run yet. Returns `None` if the machine could not be started.
    pub(crate) async fn prepare(&self) -> Option<Server> {
        let server = match self.startup.built() {
            Some(server) => server.clone(),
            None => {
                let startup = Arc::clone(&self.startup);
                in_background(move || startup.build().cloned()).await??
            }
        };
        if self.may_run {
            self.saved.start(&server).await;
        }
        Some(server)
    }

    /// Returns the server, building it if this is the first call. It may block the thread, and the store must not be
    /// locked.
    pub(crate) fn server(&self) -> Option<Server> {
        self.startup.build().cloned()
    }
}

impl Guests {
    pub(crate) fn new(clock: Clock, make: Option<MakeMachine>, store: Arc<Store>) -> Self {
        Self(Arc::new(Shared {
            clock,
            make,
            store,
            running: Mutex::default(),
            plans: Plans::default(),
            watcher: Mutex::default(),
        }))
    }

    /// Returns the machine of a sandbox, creating it if it does not run yet, or `None` if there is
    /// no such sandbox, or if it is archived. Only this machine is checked: the task of [`Shared::watch`] ends the others.
    pub(crate) fn of(&self, store: &mut OpenStore, sandbox: &str) -> Option<Guest> {
        self.0.end_if_old(store, sandbox);
        let record = store.get(&Collection::top(&SANDBOXES), sandbox)?;
        if matches!(
            record.status(store.now()),
            status::ARCHIVING | status::ARCHIVED
        ) {
            return None;
        }
        let mut running = lock(&self.0.running);
        if !running.contains_key(sandbox) {
            let clock = &self.0.clock;
            let clock = clock.with_standby(store.setting().standby_after, record.used);
            let image = member::text(&record.document, "spec/runtime/image");
            let image = image.unwrap_or_default();
            let (server, simulated) = match &self.0.make {
                Some(make) => (make(sandbox, image, &clock), None),
                None => {
                    let guest = SimulatedGuest::with_image(image, clock.clone());
                    self.0.plans.apply(sandbox, &guest);
                    (Server::builder(guest.clone()), Some(guest))
                }
            };
            let mut machine = Machine::new(server, clock, (store, &self.0.store), sandbox)?;
            machine.simulated = simulated;
            running.insert(sandbox.to_owned(), machine);
        }
        let machine = running.get(sandbox)?;
        machine.follow(store.get(&Collection::top(&SANDBOXES), sandbox)?, store);
        if machine.may_run()
            && let Some(record) = store.modify(&Collection::top(&SANDBOXES), sandbox)
        {
            // They are in the machine.
            record.contents = Contents::default();
        }
        let guest = Guest {
            clock: machine.clock(),
            ended: machine.ended(),
            startup: machine.startup(),
            saved: machine.saved(),
            may_run: machine.may_run(),
        };
        drop(running);
        self.0.watch();
        Some(guest)
    }

    /// Returns the server of a sandbox's machine if it runs, and a receiver that is closed when it ends. Looking at
    /// it is no use of the machine.
    pub(crate) fn running(
        &self,
        store: &OpenStore,
        sandbox: &str,
    ) -> Option<(Server, watch::Receiver<()>)> {
        self.0.end_if_old(store, sandbox);
        let running = lock(&self.0.running);
        let machine = running.get(sandbox)?;
        Some((machine.built()?.clone(), machine.ended()))
    }

    /// Carries a plan out on the machine of a sandbox, if it runs, and on each that starts later. Returns
    /// `false` if the machines are made by a function of the test, which plans for them itself.
    #[must_use]
    pub(crate) fn plan(&self, sandbox: &str, plan: Plan) -> bool {
        if self.0.make.is_some() {
            return false;
        }
        let running = lock(&self.0.running);
        let machine = running.get(sandbox);
        if let Some(machine) = machine.and_then(|machine| machine.simulated.as_ref()) {
            plan(machine);
        }
        self.0.plans.add(sandbox, plan);
        true
    }

    /// Forgets the plans for a sandbox. What was carried out stays until its machine ends.
    pub(crate) fn forget_plans(&self, sandbox: &str) {
        self.0.plans.remove(sandbox);
    }

    /// Forgets all plans.
    pub(crate) fn clear_plans(&self) {
        self.0.plans.clear();
    }

    /// Returns the contents of a sandbox, which can be copied when the store is not locked any more.
    pub(crate) fn contents_of(&self, store: &OpenStore, sandbox: &Record) -> Source {
        self.0.end_if_old(store, &sandbox.name);
        let running = lock(&self.0.running);
        running
            .get(&sandbox.name)
            .map_or_else(|| Source::stored(&sandbox.contents), Source::of_machine)
    }

    /// Ends all machines.
    pub(crate) fn end_all(&self) {
        let ended = std::mem::take(&mut *lock(&self.0.running));
        // Their processes end outside of the lock.
        drop(ended);
    }

    /// Ends the machine of a sandbox. The next one starts with these contents.
    pub(crate) fn restart_with(
        &self,
        store: &mut OpenStore,
        sandbox: &str,
        contents: Contents,
    ) -> Ended {
        let machine = lock(&self.0.running).remove(sandbox);
        let Some(record) = store.modify(&Collection::top(&SANDBOXES), sandbox) else {
            return Ended(machine, contents);
        };
        record.machine = None;
        Ended(machine, std::mem::replace(&mut record.contents, contents))
    }
}

impl Shared {
    /// Takes the machines out that do not belong to their sandboxes any more. Returns them with the time at which the
    /// next one ends.
    fn take_old(&self, store: &OpenStore) -> (Vec<Machine>, Option<Duration>) {
        let sandboxes = Collection::top(&SANDBOXES);
        let mut next = None;
        let mut running = lock(&self.running);
        let mut ended = Vec::new();
        for (name, machine) in running.iter() {
            match store.get(&sandboxes, name) {
                Some(record) if machine.belongs_to(record, store) => {
                    let timeline = &record.timeline;
                    let end = timeline.terminated_at().or(timeline.removed_at());
                    next = [next, end].into_iter().flatten().min();
                }
                _ => ended.push(name.clone()),
            }
        }
        let ended = ended.iter().filter_map(|name| running.remove(name));
        (ended.collect(), next)
    }

    /// Ends the machine of a sandbox if it does not belong to it any more.
    fn end_if_old(&self, store: &OpenStore, sandbox: &str) {
        let record = store.get(&Collection::top(&SANDBOXES), sandbox);
        let mut running = lock(&self.running);
        let is_old = running
            .get(sandbox)
            .is_some_and(|machine| record.is_none_or(|record| !machine.belongs_to(record, store)));
        let ended = is_old.then(|| running.remove(sandbox));
        drop(running);
        // Its processes end outside of the lock.
        drop(ended);
    }

    /// Starts the task that ends machines in time, if it does not run.
    fn watch(self: &Arc<Self>) {
        let mut watcher = lock(&self.watcher);
        let is_running = watcher.as_ref().is_some_and(|task| !task.is_finished());
        if let (false, Ok(runtime)) = (is_running, Handle::try_current()) {
            *watcher = Some(runtime.spawn(watch(Arc::downgrade(self))));
        }
    }
}

/// Ends machines in time, until their owner is dropped.
async fn watch(shared: Weak<Shared>) {
    loop {
        let (clock, next, mut changes) = {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let store = shared.store.open();
            let (ended, next) = shared.take_old(&store);
            let changes = store.changes();
            drop(store);
            // Their processes end when nothing is locked.
            drop(ended);
            (shared.clock.clone(), next, changes)
        };
        let end = async {
            match next {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(watcher) = lock(&self.watcher).take() {
            watcher.abort();
        }
    }
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests")
            .field("running", &lock(&self.0.running).len())
            .finish_non_exhaustive()
    }
}
