//! A machine whose files block the thread.

use std::sync::Arc;

use blaxel_guest::{
    Clock, Command, Connection, DriveMount, Errno, Files, Guest, Listener, Process, Server,
    SimulatedGuest,
};

use crate::support::{FORM, Sandbox, form};

/// A simulated machine that says its files block.
struct Blocking(SimulatedGuest);

/// As the trait of the server's crate returns it.
type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

impl Guest for Blocking {
    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn files(&self) -> Arc<dyn Files> {
        self.0.files()
    }

    fn is_blocking(&self) -> bool {
        true
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        self.0.image()
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        self.0.freeze(is_frozen)
    }

    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>> {
        self.0.spawn(command)
    }

    fn listeners(&self) -> Vec<Listener> {
        self.0.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        self.0.connect(port)
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        self.0.mount(mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        self.0.unmount(path)
    }
}

#[tokio::test]
async fn the_server_works_on_other_threads() {
    let guest = Blocking(SimulatedGuest::new(Clock::standing()));
    let sandbox = Sandbox(Server::builder(guest).build());
    let content = "0123456789".repeat(20_000);
    let upload = form(&[("file", "a", &content)]);
    let answer = sandbox
        .call_with("PUT /filesystem/dir/a", &[FORM], upload)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = sandbox.get("/filesystem/dir/a?download=true").await;
    assert_eq!(answer.text(), content);
    let answer = sandbox.get("/filesystem-find/").await;
    assert_eq!(answer.json()["total"], 1);
    let answer = sandbox.call("DELETE /filesystem/nope", "").await;
    assert_eq!(answer.status, 404);
}
