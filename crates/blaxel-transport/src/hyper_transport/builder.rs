//! Setting up the leaf.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::{Body, Error};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;

use super::connector::Connector;
use super::proxy::Proxy;
use super::tls::{self, Roots};
use super::turns::Turns;
use super::version::HttpVersion;
use super::{HyperTransport, Shared};
use crate::hosts::{WORKLOAD_DOMAINS, covers};

/// The hosts under which all workloads can be called.
const RUN_HOSTS: [&str; 2] = ["run.blaxel.ai", "run.blaxel.dev"];

/// The largest window that HTTP/2 knows, in bytes.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// The largest head of an HTTP/2 answer that is taken, in bytes as HTTP/2 counts them. Answers of the
/// platform carry long headers for diagnosis.
const HEADER_LIST: u32 = 32 * 1024;

/// Sets up a [`HyperTransport`].
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::{Client, HttpVersion, HyperTransport};
///
/// let hyper = HyperTransport::builder()
///     .http_version(HttpVersion::Http1)
///     .workload_idle(Duration::from_secs(2));
/// let client = Client::builder().api_key("bl_example").hyper(hyper).build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct HyperBuilder {
    roots: Roots,
    added_roots: Vec<CertificateDer<'static>>,
    connect_timeout: Option<Duration>,
    proxy: Proxy,
    version: HttpVersion,
    stream_window: u32,
    connection_window: u32,
    ping_interval: Option<Duration>,
    ping_timeout: Duration,
    control_idle: Duration,
    workload_idle: Duration,
    workload_hosts: Vec<HostRule>,
    max_in_flight: usize,
    #[cfg(feature = "gzip")]
    gzip: bool,
}

impl Default for HyperBuilder {
    fn default() -> Self {
        Self {
            roots: Roots::default(),
            added_roots: Vec::new(),
            connect_timeout: None,
            proxy: Proxy::default(),
            version: HttpVersion::default(),
            stream_window: 16 * 1024 * 1024,
            connection_window: 32 * 1024 * 1024,
            ping_interval: Some(Duration::from_secs(20)),
            ping_timeout: Duration::from_secs(10),
            control_idle: Duration::from_secs(50),
            workload_idle: Duration::from_secs(5),
            workload_hosts: WORKLOAD_DOMAINS
                .into_iter()
                .chain(RUN_HOSTS)
                .map(HostRule::new)
                .collect(),
            max_in_flight: 0,
            #[cfg(feature = "gzip")]
            gzip: true,
        }
    }
}

impl HyperBuilder {
    /// The authorities to trust. Those of the operating system by default.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Trusts further authorities: one certificate in DER form, or any number in PEM form.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there is no certificate, or one that cannot be used; it is named by its
    /// place in the text.
    pub fn add_root_certificate(mut self, certificate: impl AsRef<[u8]>) -> Result<Self, Error> {
        let certificates = tls::read_certificates(certificate.as_ref())?;
        self.added_roots.extend(certificates);
        Ok(self)
    }

    /// How long a connection may take to be made: to resolve the name, connect, get through a proxy
    /// and shake hands. 10 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// Takes a connection limit for the case that none was set here.
    pub(crate) fn or_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout.get_or_insert(limit);
        self
    }

    /// The way to the servers. What the environment says by default; see [`Proxy::from_env`].
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Which versions of HTTP to speak. Whichever the server prefers by default.
    pub fn http_version(mut self, version: HttpVersion) -> Self {
        self.version = version;
        self
    }

    /// How many bytes a server may send ahead of the reader over HTTP/2: on one stream, and on a
    /// connection with all its streams. 16 MiB and 32 MiB by default, at most 2 GiB less one.
    ///
    /// One stream cannot be faster than its window in each round trip: 16 MiB carry 800 MB/s over 20
    /// milliseconds. Who does not read lets so much lie in memory.
    pub fn http2_windows(mut self, stream: u32, connection: u32) -> Self {
        self.stream_window = stream.min(LARGEST_WINDOW);
        self.connection_window = connection.min(LARGEST_WINDOW);
        self
    }

    /// How often a server is asked over HTTP/2 whether it is still there, while an answer is
    /// awaited. Every 20 seconds by default; `None` for never. An idle connection is not asked:
    /// servers take that amiss, and it would keep a sandbox awake.
    pub fn http2_ping_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.ping_interval = interval.into();
        self
    }

    /// How long a server may take to say that it is still there; then the connection counts as lost
    /// with all that was under way on it. 10 seconds by default.
    pub fn http2_ping_timeout(mut self, limit: Duration) -> Self {
        self.ping_timeout = limit;
        self
    }

    /// How long a connection to the control plane, or to any host that runs no workload, is kept
    /// without a request. 50 seconds by default, which is below the 120 after which the platform closes
    /// it: a request is not to meet a closing connection.
    ///
    /// Connections are looked after once in such a span, so one is closed after one to two of them.
    /// Over HTTP/2 the span begins with the last request, and a connection on which an answer is still
    /// flowing ends with it.
    pub fn control_idle(mut self, limit: Duration) -> Self {
        self.control_idle = limit;
        self
    }

    /// The same for a workload's host. 5 seconds by default: an open connection keeps a sandbox
    /// running, which costs money, and the platform begins to put it to sleep about 15 seconds after
    /// the last one was closed.
    pub fn workload_idle(mut self, limit: Duration) -> Self {
        self.workload_idle = limit;
        self
    }

    /// A further host that runs workloads. One that begins with a dot stands for all hosts below it.
    ///
    /// Known already are the platform's own, `*.bl.run`, `*.runv2.blaxel.dev`, `run.blaxel.ai` and
    /// `run.blaxel.dev`; and a request of an operation on [`Plane::Run`](blaxel_core::Plane::Run)
    /// counts as one to a workload wherever it goes.
    pub fn workload_host(mut self, host: impl AsRef<str>) -> Self {
        self.workload_hosts.push(HostRule::new(host.as_ref()));
        self
    }

    /// How many requests may be open to one origin; further ones wait for their turn, in order. 0,
    /// the default, stands for no limit.
    ///
    /// A request is open from before it is sent until the body of its answer has been read to its end
    /// or was dropped. So a program that holds as many streams as this and needs one more answer to
    /// go on with them would wait for ever; that is why there is no limit unless one is set. It
    /// helps where the platform's edge refuses bursts (`ENHANCE_YOUR_CALM`), with uploads for
    /// instance.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Whether whole answers of the control plane may come compressed. They may by default.
    ///
    /// What a caller or layer asks for by an `Accept-Encoding` of its own is left to it, and calls to
    /// workloads and streams are never compressed.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// The transport.
    ///
    /// A machine without usable root certificates gives a transport that reaches plain `http` only;
    /// a call to an `https` address then says what is missing.
    #[must_use]
    pub fn build(self) -> HyperTransport {
        let (config, tls_problem) = match tls::config(self.roots, &self.added_roots) {
            Ok(config) => (config, None),
            Err(problem) => (tls::trusting_nobody(), Some(problem)),
        };
        let limit = self.connect_timeout.unwrap_or(Duration::from_secs(10));
        let connector = Connector::new(config, self.proxy.rules(), self.version, limit);
        HyperTransport(Arc::new(Shared {
            control: self.client(connector.clone(), self.control_idle),
            workload: self.client(connector, self.workload_idle),
            workload_hosts: self.workload_hosts,
            turns: (self.max_in_flight > 0).then(|| Arc::new(Turns::new(self.max_in_flight))),
            tls_problem,
            #[cfg(feature = "gzip")]
            gzip: self.gzip,
        }))
    }

    /// A client with a pool of its own. It has one idle limit for all hosts, so there are two.
    fn client(&self, connector: Connector, idle: Duration) -> Client<Connector, Body> {
        Client::builder(TokioExecutor::new())
            // Without a timer, no idle connection would ever be closed.
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle)
            .timer(TokioTimer::new())
            .http2_only(self.version == HttpVersion::Http2)
            .http2_initial_stream_window_size(self.stream_window)
            .http2_initial_connection_window_size(self.connection_window)
            .http2_max_header_list_size(HEADER_LIST)
            .http2_keep_alive_interval(self.ping_interval)
            .http2_keep_alive_timeout(self.ping_timeout)
            .http2_keep_alive_while_idle(false)
            // Only a request that comes back unwritten is put on another connection.
            .retry_canceled_requests(true)
            .build(connector)
    }
}

impl fmt::Debug for HyperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperBuilder")
            .field("roots", &self.roots)
            .field("added_roots", &self.added_roots.len())
            .field("connect_timeout", &self.connect_timeout)
            .field("proxy", &self.proxy)
            .field("version", &self.version)
            .field("control_idle", &self.control_idle)
            .field("workload_idle", &self.workload_idle)
            .field("workload_hosts", &self.workload_hosts)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

/// A host, or all hosts below one.
#[derive(Clone, Debug)]
pub(super) struct HostRule(Box<str>);

impl HostRule {
    fn new(host: &str) -> Self {
        Self(host.into())
    }

    pub(super) fn covers(&self, host: &str) -> bool {
        covers(&self.0, host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workload_hosts_are_known_by_name() {
        let builder = HyperBuilder::default().workload_host("sandbox.example");
        for (host, workload) in [
            ("sbx-a-team.any.us-1.bl.run", true),
            ("SBX.BL.RUN", true),
            ("bl.run", false),
            ("evilbl.run", false),
            ("x.runv2.blaxel.dev", true),
            ("run.blaxel.ai", true),
            ("notrun.blaxel.ai", false),
            ("api.blaxel.ai", false),
            ("sandbox.example", true),
            ("a.sandbox.example", false),
            ("", false),
        ] {
            let rules = &builder.workload_hosts;
            let found = rules.iter().any(|rule| rule.covers(host));
            assert_eq!(found, workload, "{host}");
        }
    }
}
