//! The beginning of a session, and what its parts share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{Error, HttpService, Source};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::serve_client;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::client::McpClient;
use super::exchange::{ExchangeRef, Tokens, lock};
use super::wire::Wire;
use super::{Listener, McpServer, Operations, error};
use crate::target::Target;

/// The largest answer that is read into memory, and the largest event of a stream, in bytes.
const ANSWER_LIMIT: usize = 32 * 1024 * 1024;
/// How often an answer that broke off is taken up again before it is given up.
const RESUMPTIONS: usize = 5;
/// The shortest wait before that, which doubles each time; servers may ask for a longer one.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait before that.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the parts of a session share.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) operations: &'static Operations,
    pub(super) listener: Option<Listener>,
    pub(super) tokens: Tokens,
    /// The last failure of a request that nobody waits for.
    failure: Mutex<Option<Error>>,
}

impl Shared {
    /// Keeps the cause of a failure for whom it concerns.
    pub(super) fn failed(&self, exchange: Option<&ExchangeRef>, failure: &Error) {
        match exchange {
            None => *lock(&self.failure) = Some(failure.clone()),
            Some(ExchangeRef(exchange)) => {
                if let Some(exchange) = exchange.upgrade() {
                    exchange.failed(failure.clone());
                }
            }
        }
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}

pub(super) async fn begin<S: HttpService>(server: &McpServer<S>) -> Result<McpClient, Error> {
    if let Err(problem) = Handle::try_current() {
        return Err(Error::input("runtime", &Source::Code, problem));
    }
    let shared = Arc::new(Shared {
        target: server.target.clone(),
        operations: server.host.operations(),
        listener: server.listener.clone(),
        tokens: Tokens::default(),
        failure: Mutex::new(None),
    });
    // Whoever holds the sender owns the session. Without an owner nothing is sent any more.
    let (owner, owned) = watch::channel(());
    let wire = Wire::new(server.service.clone(), Arc::clone(&shared), owned);
    let transport = StreamableHttpClientTransport::with_client(wire, config());
    let (name, version) = server.client.clone();
    let info = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new(name, version),
    )
    .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    let running = serve_client(info, transport).await.map_err(|problem| {
        error::named(
            error::of_start(problem, shared.take_failure()),
            &server.host.operations().call,
        )
    })?;
    McpClient::new(running, owner, shared)
}

fn config() -> StreamableHttpClientTransportConfig {
    let mut patience = ExponentialBackoff::default();
    patience.max_times = Some(RESUMPTIONS);
    patience.base_duration = SHORTEST_WAIT;
    patience.max_delay = Some(LONGEST_WAIT);
    // The address is our target's; this text goes nowhere.
    let mut config = StreamableHttpClientTransportConfig::with_uri(super::SUFFIX)
        .max_sse_event_size(ANSWER_LIMIT)
        .max_json_response_size(ANSWER_LIMIT)
        // How many requests are under way at once is for the transport to limit.
        .max_concurrent_requests(usize::MAX)
        .reinit_on_expired_session(true);
    config.retry_config = Arc::new(patience);
    config
}
