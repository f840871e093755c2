//! Copies of disks, which take long, while other requests go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use blaxel_core::BoxFuture;
use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::{
    Clock, Command, Connection, DriveMount, Errno, Files, Guest, Listener, Process, SimulatedGuest,
    Volume,
};
use http::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Ask, Reply, ask, get, in_sandbox, post, run};

/// The longest that a test waits.
const LIMIT: Duration = Duration::from_secs(30);

/// Stops whoever wants to copy the disk of a machine.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    is_closed: bool,
    /// Set if machines stop at their start too, when they get the contents of their disks.
    is_for_starts: bool,
    panics: bool,
    waiting: usize,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn close(&self) {
        self.set(|state| state.is_closed = true);
    }

    fn close_for_starts(&self) {
        self.set(|state| (state.is_closed, state.is_for_starts) = (true, true));
    }

    fn open(&self) {
        self.set(|state| state.is_closed = false);
    }

    /// Waits until the gate is open, in a copy or in the start of a machine.
    fn pass(&self, is_start: bool) {
        let mut state = self.0.0.lock().unwrap();
        if is_start && !state.is_for_starts {
            return;
        }
        state.waiting += 1;
        let passed = self
            .0
            .1
            .wait_timeout_while(state, LIMIT, |state| state.is_closed);
        let (mut state, timeout) = passed.unwrap();
        state.waiting -= 1;
        assert!(!timeout.timed_out(), "nobody has opened the gate");
        let panics = state.panics;
        drop(state);
        assert!(!panics, "the copy fails, as the test wants it");
    }

    fn waiting(&self) -> usize {
        self.0.0.lock().unwrap().waiting
    }

    /// Waits until so many copies are at the gate.
    async fn reached_by(&self, copies: usize) {
        let begun = async {
            while self.waiting() < copies {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, begun).await.unwrap();
    }
}

/// A machine whose disk is behind a gate.
struct Gated<G> {
    guest: G,
    gate: Gate,
    is_started: AtomicBool,
}

impl<G: Guest> Guest for Gated<G> {
    fn clock(&self) -> &Clock {
        self.guest.clock()
    }

    fn files(&self) -> Arc<dyn Files> {
        self.guest.files()
    }

    fn is_blocking(&self) -> bool {
        self.guest.is_blocking()
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        self.guest.image()
    }

    fn disk(&self) -> Option<Volume> {
        // A machine is asked for its disk once at its start.
        self.gate
            .pass(!self.is_started.swap(true, Ordering::Relaxed));
        self.guest.disk()
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        self.guest.freeze(is_frozen)
    }

    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>> {
        self.guest.spawn(command)
    }

    fn listeners(&self) -> Vec<Listener> {
        self.guest.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        self.guest.connect(port)
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        self.guest.mount(mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        self.guest.unmount(path)
    }
}

/// Starts an emulator with a sandbox `sb`, whose disk has a file `/tmp/file`.
async fn with_sandbox<G: Guest>(
    gate: &Gate,
    make: impl Fn(&Clock) -> G + Send + Sync + 'static,
) -> Emulator {
    let behind = gate.clone();
    let emulator = Emulator::builder()
        .machines(move |_, clock| Gated {
            guest: make(clock),
            gate: behind.clone(),
            is_started: AtomicBool::new(false),
        })
        .build();
    emulator.add("sandboxes", "sb").unwrap();
    emulator.add("agents", "other").unwrap();
    write(&emulator, "one").await.expect(200);
    emulator
}

async fn simulated(gate: &Gate) -> Emulator {
    with_sandbox(gate, |clock| SimulatedGuest::new(clock.clone())).await
}

async fn write(emulator: &Emulator, text: &str) -> Reply {
    let uri = in_sandbox(emulator, "sb", "/filesystem/%2Ftmp%2Ffile");
    let write = ask(Method::PUT, uri).json(&json!({"content": text}));
    write.bare(&emulator.service()).await
}

/// Sends a request that copies a disk, and returns when the copy has begun.
async fn begin(emulator: &Emulator, gate: &Gate, request: Ask) -> JoinHandle<Reply> {
    gate.close();
    let before = gate.waiting();
    let service = emulator.service();
    let sent = tokio::spawn(async move { request.to(&service).await });
    gate.reached_by(before + 1).await;
    sent
}

/// Opens the gate and returns the response.
async fn finish(gate: &Gate, sent: JoinHandle<Reply>) -> Reply {
    gate.open();
    tokio::time::timeout(LIMIT, sent).await.unwrap().unwrap()
}

/// Restores the sandbox, and reads its file, for which its new machine starts: it waits at the gate until the request
/// is finished.
async fn begin_start(emulator: &Emulator, gate: &Gate) -> JoinHandle<Reply> {
    take("first").on(emulator).await.expect(200);
    let restore = ask(Method::POST, "/sandboxes/sb/snapshots/first/restore");
    restore.on(emulator).await.expect(200);
    gate.close_for_starts();
    let read = get(in_sandbox(emulator, "sb", "/filesystem/%2Ftmp%2Ffile"));
    let service = emulator.service();
    let sent = tokio::spawn(async move { read.bare(&service).await });
    gate.reached_by(1).await;
    sent
}

async fn snapshots(emulator: &Emulator) -> usize {
    let all = get("/snapshots").header("Blaxel-Version", "2026-04-16");
    let all = all.on(emulator).await.expect(200);
    all.as_array().unwrap().len()
}

fn take(name: &str) -> Ask {
    post("/sandboxes/sb/snapshots", &json!({"name": name}))
}

fn fork(name: &str) -> Ask {
    let fork = json!({"targetType": "sandbox", "targetName": name});
    post("/sandboxes/sb/fork", &fork)
}

fn archive() -> Ask {
    ask(Method::POST, "/sandboxes/sb/archive")
}

async fn delete_sandbox(emulator: &Emulator) {
    let deleted = ask(Method::DELETE, "/sandboxes/sb").on(emulator).await;
    deleted.expect(200);
}

#[tokio::test]
async fn other_requests_are_answered_while_a_disk_is_copied() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    for request in [take("first"), fork("copy"), archive()] {
        let sent = begin(&emulator, &gate, request).await;
        let other = get("/agents/other").on(&emulator);
        let other = tokio::time::timeout(LIMIT / 3, other).await.unwrap();
        other.expect(200);
        get("/sandboxes/sb").on(&emulator).await.expect(200);
        assert!(!sent.is_finished(), "it waits for the copy");
        finish(&gate, sent).await.expect(200);
    }
    assert_eq!(run(&emulator, "copy", "cat /tmp/file").await, "one");
}

#[tokio::test]
async fn other_requests_are_answered_while_the_disk_of_a_new_machine_is_filled() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let sent = begin_start(&emulator, &gate).await;
    get("/agents/other").on(&emulator).await.expect(200);
    // A machine that does not serve yet has its contents nevertheless.
    fork("copy").on(&emulator).await.expect(200);
    let read = finish(&gate, sent).await.expect(200);
    assert_eq!(read["content"], "one");
    assert_eq!(run(&emulator, "copy", "cat /tmp/file").await, "one");
}

#[tokio::test]
async fn a_copy_of_a_sandbox_that_was_deleted_meanwhile_is_dropped() {
    for is_created_again in [false, true] {
        let gate = Gate::default();
        let emulator = simulated(&gate).await;
        let taken = begin(&emulator, &gate, take("first")).await;
        let forked = begin(&emulator, &gate, fork("copy")).await;
        let archived = begin(&emulator, &gate, archive()).await;
        delete_sandbox(&emulator).await;
        if is_created_again {
            emulator.add("sandboxes", "sb").unwrap();
        }
        for sent in [taken, forked, archived] {
            let refused = finish(&gate, sent).await;
            assert_eq!(refused.control_error(404), "Sandbox not found");
        }
        assert_eq!(snapshots(&emulator).await, 0);
        get("/sandboxes/copy")
            .on(&emulator)
            .await
            .control_error(404);
        if is_created_again {
            let sandbox = get("/sandboxes/sb").on(&emulator).await.expect(200);
            assert_eq!(sandbox["status"], "DEPLOYED");
        }
    }
}

#[tokio::test]
async fn a_copy_does_not_count_if_its_machine_was_replaced_meanwhile() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let sent = begin(&emulator, &gate, take("first")).await;
    let bigger = json!({"metadata": {"name": "sb"}, "spec": {"runtime": {"memory": 8192}}});
    let put = ask(Method::PUT, "/sandboxes/sb").json(&bigger);
    put.on(&emulator).await.expect(200);
    run(&emulator, "sb", "true").await;
    finish(&gate, sent).await.control_error(409);
    assert_eq!(snapshots(&emulator).await, 0);
}

#[tokio::test]
async fn a_sandbox_is_archived_before_its_new_machine_serves() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let sent = begin_start(&emulator, &gate).await;
    archive().on(&emulator).await.expect(200);
    finish(&gate, sent)
        .await
        .gateway(404, "WORKLOAD_UNAVAILABLE");
    let back = ask(Method::POST, "/sandboxes/sb/unarchive");
    back.on(&emulator).await.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "one");
}

#[tokio::test]
async fn of_two_copies_of_a_name_one_is_kept() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let first = begin(&emulator, &gate, take("same")).await;
    let second = begin(&emulator, &gate, take("same")).await;
    gate.open();
    let replies = [first.await.unwrap(), second.await.unwrap()];
    let mut statuses = replies.map(|reply| reply.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(snapshots(&emulator).await, 1);
}

#[tokio::test]
async fn a_failed_copy_leaves_everything_as_it_was() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let before = get("/sandboxes/sb").on(&emulator).await.expect(200);
    for request in [take("first"), fork("copy"), archive()] {
        let sent = begin(&emulator, &gate, request).await;
        gate.set(|state| state.panics = true);
        finish(&gate, sent).await.control_error(500);
        gate.set(|state| state.panics = false);
    }
    let after = get("/sandboxes/sb").on(&emulator).await.expect(200);
    assert_eq!(after["status"], before["status"]);
    assert_eq!(snapshots(&emulator).await, 0);
    write(&emulator, "two").await.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "two");
}

#[tokio::test]
async fn a_sandbox_that_is_archived_confirms_no_write_that_its_archive_lacks() {
    let gate = Gate::default();
    let emulator = simulated(&gate).await;
    let sent = begin(&emulator, &gate, archive()).await;
    let refused = write(&emulator, "lost").await;
    assert!(refused.status.is_client_error() || refused.status.is_server_error());
    finish(&gate, sent).await.expect(200);
    let back = ask(Method::POST, "/sandboxes/sb/unarchive");
    back.on(&emulator).await.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "one");
    write(&emulator, "two").await.expect(200);
}

/// Returns the number of copies of disks, in directories of this machine, that have a file in `/tmp`.
#[cfg(all(feature = "local-guests", target_os = "linux"))]
fn copies_with(file: &str) -> usize {
    let own = format!("blaxel-guest-{}-", std::process::id());
    let all = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let own = all.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own));
    own.filter(|entry| entry.path().join("contents/tmp").join(file).exists())
        .count()
}

#[cfg(all(feature = "local-guests", target_os = "linux"))]
#[tokio::test]
async fn a_copy_that_is_dropped_leaves_no_directory() {
    use blaxel_emulator::blaxel_guest::LocalGuest;

    let gate = Gate::default();
    let local = |clock: &Clock| {
        LocalGuest::builder()
            .unconfined()
            .build_on_use(clock.clone())
    };
    let emulator = with_sandbox(&gate, local).await;
    let file = "large-disk-of-a-dropped-copy";
    run(&emulator, "sb", &format!("echo one > ../tmp/{file}")).await;
    take("kept").on(&emulator).await.expect(200);
    assert_eq!(copies_with(file), 1);
    let sent = begin(&emulator, &gate, take("dropped")).await;
    delete_sandbox(&emulator).await;
    finish(&gate, sent).await.control_error(404);
    let one_is_left = async {
        while copies_with(file) != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, one_is_left).await.unwrap();
    assert_eq!(snapshots(&emulator).await, 1);
}
