//! An emulator on a socket with one sandbox, and a client whose requests are recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::{Files, Server, ServerVersion, SimulatedGuest};
use blaxel_sandbox::{SandboxHandle, SandboxRef, Sandboxes};
use blaxel_transport::{Client, HyperTransport, Proxy, RetryPolicy};
use tokio::time::{interval, timeout};

use super::recorder::{Recorder, Sent};
use super::table::{row, rows};

/// Time limit on everything that a test waits for.
const LIMIT: Duration = Duration::from_secs(20);

/// The name of the sandbox.
const NAME: &str = "box";

/// The operation that the emulator names for the ports of a sandbox, which any program may serve.
const PORTS: &str = "CallSandbox";

/// The age of the server in the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    August,
    Current,
}

impl Age {
    fn version(self) -> ServerVersion {
        match self {
            Self::August => ServerVersion::August,
            Self::Current => ServerVersion::Current,
        }
    }
}

pub struct World {
    pub emulator: Emulator,
    pub age: Age,
    client: Client,
    recorder: Recorder,
    /// The operations that were checked, with the query parameters that were sent.
    performed: Mutex<BTreeMap<&'static str, BTreeSet<String>>>,
}

impl World {
    /// Starts an emulator whose sandbox has a server of this age, on a machine that a function prepares.
    pub async fn start<F>(age: Age, prepare: F) -> Self
    where
        F: Fn(&SimulatedGuest) + Send + Sync + 'static,
    {
        let emulator = Emulator::builder()
            .sandbox_servers(move |_, clock| {
                let guest = SimulatedGuest::new(clock.clone());
                prepare(&guest);
                Server::builder(guest)
                    .version(age.version())
                    .interpreter(true)
            })
            .start()
            .await
            .expect("a free port");
        emulator.add("sandboxes", NAME).unwrap();
        emulator.add("drives", "data").unwrap();
        let recorder = Recorder::default();
        let client = Client::builder()
            .api_key(emulator.api_key())
            .workspace(emulator.workspace())
            .api_url(emulator.url())
            .run_url(emulator.run_url())
            .transport(HyperTransport::builder().proxy(Proxy::none()).build())
            .retry(RetryPolicy::none())
            .attempt_layer(recorder.layer())
            .build()
            .expect("the settings are valid");
        Self {
            emulator,
            age,
            client,
            recorder,
            performed: Mutex::default(),
        }
    }

    pub fn sandbox(&self) -> SandboxHandle<Client> {
        Sandboxes::new(self.client.clone()).join(&SandboxRef::new(NAME))
    }

    /// Returns the server in the sandbox.
    pub fn server(&self) -> Server {
        self.emulator.guest(NAME).expect("the sandbox exists")
    }

    /// Returns the files of the machine, which are reached without the API.
    pub fn disk(&self) -> Arc<dyn Files> {
        self.server().guest().files()
    }

    /// Returns the content of a file of the machine.
    pub fn content(&self, path: &str) -> String {
        String::from_utf8(self.disk().read(path).unwrap()).unwrap()
    }

    /// Returns `true` if the machine has a file or directory.
    pub fn has(&self, path: &str) -> bool {
        self.disk().metadata(path).is_ok()
    }

    /// Writes a file of the machine, and the directories above it.
    pub fn put(&self, path: &str, content: &str) {
        let (directory, _) = path.rsplit_once('/').unwrap();
        let directory = format!("{directory}/");
        self.disk().create_dir_all(&directory, 0o755).unwrap();
        self.disk().write(path, content.as_bytes(), 0o644).unwrap();
    }

    /// Returns the first value on a server of August, and the second on a current one.
    pub fn by_age<T>(&self, august: T, current: T) -> T {
        match self.age {
            Age::August => august,
            Age::Current => current,
        }
    }

    /// Fails unless exactly these operations were called since the last check, in this order, each by a request of
    /// its method, path and query, and unless the emulator has received these requests and no others.
    #[track_caller]
    pub fn expect(&self, operations: &[&str]) {
        let sent = self.recorder.take();
        let names: Vec<_> = sent.iter().map(|sent| sent.operation).collect();
        assert_eq!(names, operations, "on a server of {:?}", self.age);
        self.check(&sent);
    }

    /// Fails unless these operations were called since the last check, each at least once, and no others.
    #[track_caller]
    pub fn expect_some(&self, operations: &[&str]) {
        let sent = self.recorder.take();
        let names: BTreeSet<_> = sent.iter().map(|sent| sent.operation).collect();
        let expected = operations.iter().copied().collect();
        assert_eq!(names, expected, "on a server of {:?}", self.age);
        self.check(&sent);
    }

    /// Compares requests with the list and the journal.
    #[track_caller]
    fn check(&self, sent: &[Sent]) {
        let prefix = format!("/run/{}/sandboxes/{NAME}", self.emulator.workspace());
        let mut expected = Vec::new();
        for Sent {
            operation,
            method,
            path,
            query,
        } in sent
        {
            let row = row(operation);
            let below = path.strip_prefix(&prefix).expect("a path of the sandbox");
            assert!(
                row.method == *method && row.has_path(below),
                "{operation} was {method} {below}"
            );
            for parameter in query {
                assert!(
                    row.query.contains(parameter.as_str()),
                    "{operation}?{parameter}"
                );
            }
            let served = row.served_as().unwrap_or(PORTS);
            expected.push(format!("{method} {path} as {served}"));
            let mut performed = self.performed.lock().unwrap();
            performed
                .entry(row.name)
                .or_default()
                .extend(query.iter().cloned());
        }
        let journal = self.emulator.journal();
        let mut received: Vec<_> = journal
            .iter()
            .map(|entry| {
                let operation = entry.operation.as_deref().unwrap_or("nothing");
                format!("{} {} as {operation}", entry.method, entry.path)
            })
            .collect();
        self.emulator.clear_journal();
        expected.sort();
        received.sort();
        assert_eq!(expected, received, "sent (left) and received");
    }

    /// Runs a future while the emulator's clock goes on.
    pub async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut tick = interval(Duration::from_millis(2));
        let passing = async {
            loop {
                tokio::select! {
                    biased;
                    outcome = &mut work => return outcome,
                    _ = tick.tick() => self.emulator.clock().advance(Duration::from_millis(50)),
                }
            }
        };
        timeout(LIMIT, passing).await.expect("an end in time")
    }

    /// Fails unless all operations of an area were called, with all of their query parameters.
    pub fn assert_performed_all(&self, area: &str, unsent: &[&str]) {
        assert!(
            self.recorder.take().is_empty(),
            "a request was sent that no test checked"
        );
        let performed = self.performed.lock().unwrap();
        let mut missing = BTreeSet::new();
        for row in rows().iter().filter(|row| row.area == area) {
            match performed.get(row.name) {
                None => {
                    missing.insert(row.name.to_owned());
                }
                Some(sent) => {
                    let unsent = row.query.iter().filter(|name| !sent.contains(**name));
                    missing.extend(unsent.map(|name| format!("{}?{name}", row.name)));
                }
            }
        }
        let unsent: BTreeSet<String> = unsent.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            missing, unsent,
            "operations and parameters of {area} that were not sent (left), and those that cannot be"
        );
    }
}
