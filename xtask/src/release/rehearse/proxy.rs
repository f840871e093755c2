//! A proxy in front of the registry: it records the uploads, and puts faults in their way.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

/// A fault that one upload meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// The upload is refused for so many seconds: by a header if the flag is set, otherwise by a
    /// sentence with a date, as the public registry does.
    Refused(u64, bool),
    /// The connection is closed before the registry has seen the upload.
    RequestLost,
    /// The connection is closed after the registry has taken the upload.
    ResponseLost,
    /// The sender is killed after the registry has taken the upload.
    SenderKilled,
}

/// Returns the response that refuses an upload.
fn refusal(seconds: u64, by_header: bool) -> String {
    const STATUS: &str = "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\n";
    if by_header {
        return format!("{STATUS}retry-after: {seconds}\r\n\r\n");
    }
    // A date has no parts of a second.
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds + 1));
    let detail = format!("You have published too much. Please try again after {date} and see");
    format!("{STATUS}\r\n{}", json!({"errors": [{"detail": detail}]}))
}

/// An upload that came to the proxy.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// The package as `name@version`.
    pub(super) package: String,
    pub(super) fault: Option<Fault>,
    /// `true` if the registry took it.
    pub(super) taken: bool,
    pub(super) at: Instant,
}

/// The faults to come, and the uploads so far.
type State = (VecDeque<Option<Fault>>, Vec<Upload>);

/// A proxy that serves as long as this program runs.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    registry: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Starts a proxy. The first upload meets the first fault, and so on; those after the last meet none.
    pub(super) fn start(registry: SocketAddr, faults: &[Option<Fault>]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new((faults.to_vec().into(), Vec::new())));
        let proxy = Self {
            address,
            registry,
            state,
        };
        let accepting = proxy.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let proxy = accepting.clone();
                // A connection that breaks concerns its two ends only.
                thread::spawn(move || proxy.serve(&connection).ok());
            }
        });
        Ok(proxy)
    }

    /// Returns the uploads so far, in their order, and the number of faults that none has met.
    pub(super) fn uploads(&self) -> (Vec<Upload>, usize) {
        self.with(|(faults, uploads)| (uploads.clone(), faults.iter().flatten().count()))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, mut client: &TcpStream) -> io::Result<()> {
        let (head, body) = request(client)?;
        if !head.starts_with("PUT /api/v1/crates/new ") {
            return client.write_all(&exchange(self.registry, &head, &body)?);
        }
        let fault = self.with(|(faults, _)| faults.pop_front().flatten());
        let response = match fault {
            Some(Fault::RequestLost) => Vec::new(),
            Some(Fault::Refused(seconds, by_header)) => refusal(seconds, by_header).into(),
            _ => exchange(self.registry, &head, &body)?,
        };
        let package = uploaded(&body).unwrap_or_default();
        let (taken, at) = (response.starts_with(b"HTTP/1.1 200 "), Instant::now());
        let upload = Upload {
            package,
            fault,
            taken,
            at,
        };
        self.with(|(_, uploads)| uploads.push(upload));
        match fault {
            Some(Fault::ResponseLost) => Ok(()),
            Some(Fault::SenderKilled) => client.read(&mut [0]).map(drop),
            _ => client.write_all(&response),
        }
    }
}

/// Reads a request: the lines of its head that are to be passed on, and its body.
fn request(mut client: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut from = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(Error::other("a head without an end"));
        }
        let (name, value) = line.split_once(':').unwrap_or((line.trim(), ""));
        match name.to_ascii_lowercase().as_str() {
            "" => break,
            "connection" => continue,
            "expect" => client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            "content-length" => length = value.trim().parse().map_err(Error::other)?,
            // Cargo never sends one.
            "transfer-encoding" => return Err(Error::other("a body of unknown length")),
            _ => {}
        }
        head += &line;
    }
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    Ok((head, body))
}

/// Sends a request, and reads the response to the end of the connection.
pub(super) fn exchange(to: SocketAddr, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(to)?;
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    if let Some(end) = response.iter().position(|byte| *byte == b'\r') {
        // Or cargo sends the next request on a connection that is being closed.
        response.splice(end..end, *b"\r\nconnection: close");
    }
    Ok(response)
}

/// Returns the package in the body of an upload, as `name@version`. The body is the length of a JSON
/// document in four bytes, the lowest first; the document; and the archive in the same way.
fn uploaded(body: &[u8]) -> Option<String> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    package(rest.get(..length)?)
}

/// Returns the package that is described by a JSON document, as `name@version`.
pub(super) fn package(document: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let [name, version] = ["name", "vers"].map(|member| document[member].as_str());
    Some(format!("{}@{}", name?, version?))
}
