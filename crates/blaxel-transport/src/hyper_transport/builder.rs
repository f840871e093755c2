//! The settings of a [`HyperTransport`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::__private::bounded_wait;
use blaxel_core::{Endpoints, Error};
use http::Uri;
use hyper::client::conn::http2;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::CertificateDer;

use super::connector::{Connector, ProxyConnector};
use super::executor::Executor;
use super::origin::KnownOrigin;
use super::origin_limiter::OriginLimiter;
use super::pools::Pools;
use super::proxy::Proxy;
use super::route::Route;
use super::tls::{self, Roots};
use super::version::HttpVersion;
use super::{HyperTransport, Shared, kind_of};
use crate::hosts::{WORKLOAD_DOMAINS, matches};

/// The hosts at which all workloads can be called.
const RUN_HOSTS: [&str; 2] = ["run.blaxel.ai", "run.blaxel.dev"];

/// The largest window of HTTP/2, in bytes.
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// Maximum size of the headers of an HTTP/2 response, in bytes as HTTP/2 counts them. Responses of
/// the platform have long diagnostic headers.
const MAX_HEADER_LIST: u32 = 32 * 1024;

/// A builder for a [`HyperTransport`].
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::{Client, HttpVersion, HyperTransport};
///
/// let hyper = HyperTransport::builder()
///     .http_version(HttpVersion::Http1)
///     .connect_timeout(Duration::from_secs(3))
///     .workload_idle(Duration::from_secs(2))
///     .max_in_flight(32);
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
    workload_hosts: Vec<HostPattern>,
    /// The base URLs of the planes of the client that the transport is built for.
    planes: Vec<Uri>,
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
                .map(HostPattern::new)
                .collect(),
            planes: Vec::new(),
            max_in_flight: 0,
            #[cfg(feature = "gzip")]
            gzip: true,
        }
    }
}

impl HyperBuilder {
    /// Sets the certificate authorities to trust. Those of the operating system by default.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Adds certificate authorities to trust: one certificate in DER form, or any number in PEM
    /// form.
    ///
    /// ```no_run
    /// use blaxel_transport::HyperTransport;
    ///
    /// let pem = std::fs::read("company-ca.pem")?;
    /// let transport = HyperTransport::builder().add_root_certificate(pem)?.build();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there is no certificate, or one that cannot be used, which is
    /// identified by its position in the text.
    pub fn add_root_certificate(mut self, certificate: impl AsRef<[u8]>) -> Result<Self, Error> {
        let certificates = tls::parse_certificates(certificate.as_ref())?;
        self.added_roots.extend(certificates);
        Ok(self)
    }

    /// Sets the time limit on establishing a connection: to resolve the name, connect, open a
    /// tunnel through a proxy and perform the TLS handshake. By default it is
    /// [`TimeLimits::connect`](crate::TimeLimits) of the client, otherwise 10 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// Sets the connection limit, unless it is set already.
    pub(crate) fn or_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout.get_or_insert(limit);
        self
    }

    /// Sets the addresses of the planes, so that requests to them are recognized at no cost.
    pub(crate) fn planes(mut self, endpoints: &Endpoints) -> Self {
        let planes = [&endpoints.control, &endpoints.run];
        // An invalid one is not known, and refused when a request is sent there.
        self.planes = planes.iter().filter_map(|it| it.join("/").ok()).collect();
        self
    }

    /// Sets the proxy. [`Proxy::from_env`] by default.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets the HTTP versions to use. The server's choice by default.
    pub fn http_version(mut self, version: HttpVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets the HTTP/2 flow control windows: the number of bytes that a server may send before they
    /// are read, on one stream and on a connection with all its streams. 16 MiB and 32 MiB by
    /// default, at most 2 GiB minus one byte.
    ///
    /// A stream transfers at most its window in each round trip: 16 MiB allow 800 MB/s at 20
    /// milliseconds. Up to this many bytes are buffered for a stream that is not being read.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_transport::HyperTransport;
    ///
    /// let transport = HyperTransport::builder()
    ///     .http2_windows(1 << 20, 4 << 20)
    ///     .http2_ping_interval(None)
    ///     .control_idle(Duration::from_secs(20))
    ///     .build();
    /// ```
    pub fn http2_windows(mut self, stream: u32, connection: u32) -> Self {
        self.stream_window = stream.min(MAX_WINDOW);
        self.connection_window = connection.min(MAX_WINDOW);
        self
    }

    /// Sets the interval of HTTP/2 pings, which check whether the server is still there while a
    /// response is awaited. 20 seconds by default; `None` disables them. Idle connections are not
    /// pinged: servers may treat this as abuse, and it would keep a sandbox awake.
    pub fn http2_ping_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.ping_interval = interval.into();
        self
    }

    /// Sets the time limit on the response to a ping. After it the connection counts as lost, with
    /// all requests in flight on it. 10 seconds by default.
    pub fn http2_ping_timeout(mut self, limit: Duration) -> Self {
        self.ping_timeout = limit;
        self
    }

    /// Sets the idle timeout of connections to the control plane, and to any other host that runs
    /// no workload. 50 seconds by default, less than the 120 seconds after which the platform
    /// closes a connection, so that a request does not meet a closing connection.
    ///
    /// Over HTTP/2 the time counts from the last request; a connection on which a
    /// response is still being received is closed when that response ends.
    pub fn control_idle(mut self, limit: Duration) -> Self {
        self.control_idle = limit;
        self
    }

    /// Sets the idle timeout of connections to workload hosts. 5 seconds by default: an open
    /// connection keeps a sandbox running, which costs money, and the platform begins to put it to
    /// sleep about 15 seconds after the last connection was closed.
    pub fn workload_idle(mut self, limit: Duration) -> Self {
        self.workload_idle = limit;
        self
    }

    /// Adds a host that runs workloads. A host that begins with a dot stands for all hosts below
    /// it.
    ///
    /// The platform's own hosts are known: `*.bl.run`, `*.runv2.blaxel.dev`, `run.blaxel.ai` and
    /// `run.blaxel.dev`. A request of an operation on [`Plane::Run`](blaxel_core::Plane::Run)
    /// counts as one to a workload, whatever its host.
    ///
    /// ```
    /// use blaxel_transport::HyperTransport;
    ///
    /// let transport = HyperTransport::builder().workload_host(".agents.example.com").build();
    /// ```
    pub fn workload_host(mut self, host: impl AsRef<str>) -> Self {
        self.workload_hosts.push(HostPattern::new(host.as_ref()));
        self
    }

    /// Sets the maximum number of concurrent requests per origin. Further requests wait, in order.
    /// 0, the default, means no limit.
    ///
    /// A request counts from before it is sent until its response body has been read to the end or
    /// is dropped; a connection that is upgraded to another protocol counts until it is dropped. So a program that holds as many streams as this and needs one more response to
    /// continue reading them deadlocks; that is why there is no limit by default. A limit helps if
    /// the platform's edge refuses bursts (`ENHANCE_YOUR_CALM`), for example of uploads.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Sets whether servers are asked to compress complete responses. They are by default; for
    /// streams, which a compressor would delay, they are asked not to.
    ///
    /// A response that is compressed with gzip or deflate is decompressed in either case. One in
    /// another coding is returned as it is, and is an error where it is decoded.
    ///
    /// If a caller or layer sets `Accept-Encoding`, it has to decompress the response itself.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// Builds the transport.
    ///
    /// On a machine without usable root certificates, the transport reaches `http` addresses only;
    /// a call to an `https` address then fails with an error that says what is missing.
    #[must_use]
    pub fn build(self) -> HyperTransport {
        let (config, tls_problem) = match tls::config(self.roots, &self.added_roots) {
            Ok(config) => (config, None),
            Err(problem) => (tls::without_roots(), Some(problem)),
        };
        let limit = bounded_wait(self.connect_timeout.unwrap_or(Duration::from_secs(10)));
        let route = ProxyConnector::new(config.clone(), self.proxy.rules(), limit);
        let connector = Connector::new(route.clone(), config.clone(), self.version, limit);
        let upgrades = Connector::new(route, config, HttpVersion::Http1, limit);
        let http2 = Arc::new(self.http2_settings());
        let route_of = |connector, version| Route::new(connector, version, Arc::clone(&http2));
        let kind = |host: &str| kind_of(&self.workload_hosts, host);
        let known = self.planes.iter();
        let known = known.filter_map(|it| KnownOrigin::new(it, kind)).collect();
        HyperTransport(Arc::new(Shared {
            route: route_of(connector, self.version),
            upgrades: route_of(upgrades, HttpVersion::Http1),
            pools: Pools::new(known, self.control_idle, self.workload_idle),
            workload_hosts: self.workload_hosts,
            limiter: (self.max_in_flight > 0)
                .then(|| Arc::new(OriginLimiter::new(self.max_in_flight))),
            tls_problem,
            #[cfg(feature = "gzip")]
            gzip: self.gzip,
        }))
    }

    /// Returns the settings of connections that speak HTTP/2.
    fn http2_settings(&self) -> http2::Builder<Executor> {
        let mut settings = http2::Builder::new(Executor);
        settings
            .timer(TokioTimer::new())
            .initial_stream_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .max_header_list_size(MAX_HEADER_LIST)
            .keep_alive_interval(self.ping_interval.map(bounded_wait))
            .keep_alive_timeout(bounded_wait(self.ping_timeout))
            .keep_alive_while_idle(false);
        settings
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

/// A host or, if it begins with a dot, all hosts below it.
#[derive(Clone, Debug)]
pub(super) struct HostPattern(Box<str>);

impl HostPattern {
    /// Creates a pattern.
    fn new(host: &str) -> Self {
        Self(host.into())
    }

    /// Returns `true` if `host` matches the pattern.
    pub(super) fn matches(&self, host: &str) -> bool {
        matches(&self.0, host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workload_hosts_are_recognized_by_name() {
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
            let found = rules.iter().any(|rule| rule.matches(host));
            assert_eq!(found, workload, "{host}");
        }
    }
}
