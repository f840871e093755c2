//! The machines of the sandboxes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use blaxel_guest::{Builder, Server, SimulatedGuest};
use serde_json::Value;

use crate::clock::Clock;
use crate::lock::lock;
use crate::state::{Collection, OpenStore, Record, SANDBOXES, member};

/// The limit of the platform's edge on the body of a request: parts of 5 MiB with the form around
/// them pass.
const EDGE_LIMIT: u64 = (5 << 20) + (64 << 10);

/// Makes the machine of the sandbox of a name.
pub(crate) type MakeMachine = Arc<dyn Fn(&str, &Clock) -> Builder + Send + Sync>;

/// The servers of the sandboxes that were called. Dropping a server ends everything in its sandbox.
pub(crate) struct Guests {
    clock: Clock,
    make: Option<MakeMachine>,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    /// The serial number of the sandbox's record: a sandbox that was created again starts anew.
    serial: u64,
    server: Server,
}

impl Guests {
    pub(crate) fn new(clock: Clock, make: Option<MakeMachine>) -> Self {
        Self {
            clock,
            make,
            running: Mutex::default(),
        }
    }

    /// Returns the server of a sandbox, starting it if it does not run yet, or `None` if there is
    /// no such sandbox. Ends those of sandboxes that exist no more.
    pub(crate) fn of(&self, store: &OpenStore, sandbox: &str) -> Option<Server> {
        self.end_deleted(store);
        let collection = Collection::top(&SANDBOXES);
        let mut running = lock(&self.running);
        let record = store.get(&collection, sandbox)?;
        let running = running
            .entry(sandbox.to_owned())
            .or_insert_with(|| Running {
                serial: record.serial,
                server: self.start(sandbox, record),
            });
        Some(running.server.clone())
    }

    /// Returns `true` if a server runs.
    pub(crate) fn any(&self) -> bool {
        !lock(&self.running).is_empty()
    }

    /// Ends the servers of sandboxes that exist no more.
    pub(crate) fn end_deleted(&self, store: &OpenStore) {
        let collection = Collection::top(&SANDBOXES);
        lock(&self.running).retain(|name, running| {
            let record = store.get(&collection, name);
            record.is_some_and(|record| {
                record.serial == running.serial && !record.timeline.is_terminated(store.now())
            })
        });
    }

    fn start(&self, sandbox: &str, record: &Record) -> Server {
        let server = match &self.make {
            Some(make) => make(sandbox, &self.clock),
            None => {
                let image = member::text(&record.document, "spec/runtime/image");
                let clock = self.clock.clone();
                Server::builder(SimulatedGuest::with_image(image.unwrap_or_default(), clock))
            }
        };
        let image = member::text(&record.document, "spec/runtime/image");
        let mut server = server.edge_limit(EDGE_LIMIT);
        if image.is_some_and(is_interpreter) {
            server = server.interpreter(true);
        }
        let variables = member::get(&record.document, "spec/runtime/envs");
        for variable in variables.and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| variable.get(name).and_then(Value::as_str);
            if let (Some(name), Some(value)) = (text("name"), text("value")) {
                server = server.env(name, value);
            }
        }
        server.build()
    }
}

/// Returns `true` for the image of the code interpreter, with any tag.
fn is_interpreter(image: &str) -> bool {
    let name = image.split([':', '@']).next();
    name == Some("blaxel/jupyter-server")
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests")
            .field("running", &lock(&self.running).len())
            .finish_non_exhaustive()
    }
}
