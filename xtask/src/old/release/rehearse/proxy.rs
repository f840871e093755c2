//! What lies between cargo and the registry: it keeps a journal of the uploads and puts trouble in
//! their way.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::http::{self, Request};
use super::trouble::Trouble;
use super::upload;

/// How long one side may keep silent.
const SILENCE: Duration = Duration::from_secs(120);

/// A proxy that serves as long as this program runs.
pub(super) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    registry: SocketAddr,
    state: Mutex<State>,
    /// Told of each upload whose sender is to be killed.
    kills: Sender<()>,
}

#[derive(Default)]
struct State {
    troubles: VecDeque<Option<Trouble>>,
    uploads: Vec<Upload>,
}

/// One upload that somebody tried.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// The package with its version, as `name@version`.
    pub(super) package: String,
    pub(super) trouble: Option<Trouble>,
    /// Whether the registry took it.
    pub(super) taken: bool,
    pub(super) at: Instant,
}

impl Proxy {
    /// Starts one in front of a registry. The first upload meets the first trouble, and so on; those
    /// after the last meet none.
    pub(super) fn start(
        registry: SocketAddr,
        troubles: &[Option<Trouble>],
        kills: Sender<()>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = State {
            troubles: troubles.iter().copied().collect(),
            uploads: Vec::new(),
        };
        let shared = Arc::new(Shared {
            registry,
            state: Mutex::new(state),
            kills,
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                // One that breaks is the business of its two ends.
                thread::spawn(move || shared.serve(connection).ok());
            }
        });
        Ok(Self { address, shared })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The uploads so far, in the order in which they came.
    pub(super) fn uploads(&self) -> Vec<Upload> {
        self.shared.with(|state| state.uploads.clone())
    }

    /// How many troubles have not been met yet.
    pub(super) fn troubles_left(&self) -> usize {
        self.shared
            .with(|state| state.troubles.iter().flatten().count())
    }
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(SILENCE))?;
        let mut from = BufReader::new(client.try_clone()?);
        let Some(request) = Request::read(&mut from, &mut client)? else {
            return Ok(());
        };
        if request.method == "PUT" && request.path.ends_with("/api/v1/crates/new") {
            return self.upload(&request, &mut client);
        }
        client.write_all(&self.forward(&request)?)
    }

    fn upload(&self, request: &Request, client: &mut TcpStream) -> io::Result<()> {
        let package = upload::package(&request.body);
        let package =
            package.map_or_else(String::new, |(name, version)| format!("{name}@{version}"));
        let trouble = self.with(|state| state.troubles.pop_front().flatten());
        let mut answer = None;
        if trouble.is_none_or(Trouble::reaches) {
            answer = Some(self.forward(request)?);
        }
        let taken = answer.as_deref().and_then(http::status) == Some(200);
        self.with(|state| {
            state.uploads.push(Upload {
                package,
                trouble,
                taken,
                at: Instant::now(),
            });
        });
        match trouble {
            Some(Trouble::RequestLost | Trouble::AnswerLost) => {}
            Some(trouble) if !trouble.reaches() => {
                let refusal = trouble.refusal(SystemTime::now()).unwrap_or_default();
                client.write_all(refusal.as_bytes())?;
            }
            _ => client.write_all(&answer.unwrap_or_default())?,
        }
        if trouble == Some(Trouble::SenderKilled) {
            // Nobody listens any more only if the rehearsal is over.
            let _ = self.kills.send(());
        }
        Ok(())
    }

    /// What the registry answers.
    fn forward(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut registry = TcpStream::connect(self.registry)?;
        registry.set_read_timeout(Some(SILENCE))?;
        request.write(&mut registry)?;
        let mut answer = Vec::new();
        registry.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::super::upload::tests::body;
    use super::*;

    /// A registry that takes everything, and how to reach it.
    fn registry() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let mut from = BufReader::new(connection.try_clone().unwrap());
                Request::read(&mut from, &mut io::sink()).unwrap();
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                connection.write_all(answer).unwrap();
            }
        });
        address
    }

    /// Publishes a package; what comes back.
    fn publish(proxy: &Proxy, name: &str) -> Vec<u8> {
        let body = body(name, "0.1.0");
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        let length = body.len();
        let head = format!("PUT /api/v1/crates/new HTTP/1.1\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    #[test]
    fn each_upload_meets_its_trouble_and_the_journal_knows_what_was_taken() {
        let (sender, kills) = mpsc::channel();
        let troubles = [
            Some(Trouble::BusyByHeader(Duration::from_secs(1))),
            None,
            Some(Trouble::RequestLost),
            Some(Trouble::AnswerLost),
            Some(Trouble::SenderKilled),
        ];
        let proxy = Proxy::start(registry(), &troubles, sender).unwrap();
        let statuses =
            ["a", "a", "b", "b", "c", "d"].map(|name| http::status(&publish(&proxy, name)));
        assert_eq!(
            statuses,
            [Some(429), Some(200), None, None, Some(200), Some(200)]
        );
        let uploads = proxy.uploads();
        let taken: Vec<bool> = uploads.iter().map(|upload| upload.taken).collect();
        assert_eq!(taken, [false, true, false, true, true, true]);
        assert_eq!(uploads[0].package, "a@0.1.0");
        assert_eq!(proxy.troubles_left(), 0);
        assert_eq!(kills.try_iter().count(), 1);
    }
}
