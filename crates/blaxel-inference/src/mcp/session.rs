//! The beginning of a session.

use std::sync::Arc;
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
use super::error;
use super::host::SUFFIX;
use super::shared::Shared;
use super::wire::Wire;

/// Maximum size of a response that is read into memory, and of an event of a stream, in bytes.
const ANSWER_LIMIT: usize = 32 * 1024 * 1024;
/// Maximum number of times that a broken response is resumed.
const RESUMPTIONS: usize = 5;
/// The first delay before that; it doubles each time, and servers may ask for a longer one.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// The longest delay before that.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Begins a session as a client of this name and version.
pub(super) async fn begin<S: HttpService>(
    service: S,
    shared: Shared,
    (name, version): (String, String),
) -> Result<McpClient, Error> {
    if let Err(problem) = Handle::try_current() {
        return Err(Error::input("runtime", &Source::Code, problem));
    }
    let shared = Arc::new(shared);
    // The holder of the sender owns the session. Without an owner nothing is sent any more.
    let (owner, owned) = watch::channel(());
    let wire = Wire::new(service, Arc::clone(&shared), owned);
    let transport = StreamableHttpClientTransport::with_client(wire, config());
    let info = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new(name, version),
    )
    .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    let running = serve_client(info, transport).await.map_err(|problem| {
        error::named(
            error::of_start(problem, shared.take_failure()),
            &shared.operations.call,
        )
    })?;
    McpClient::new(running, owner, shared)
}

fn config() -> StreamableHttpClientTransportConfig {
    let mut backoff = ExponentialBackoff::default();
    backoff.max_times = Some(RESUMPTIONS);
    backoff.base_duration = SHORTEST_WAIT;
    backoff.max_delay = Some(LONGEST_WAIT);
    // The address is that of our target; this text is not used.
    let mut config = StreamableHttpClientTransportConfig::with_uri(SUFFIX)
        .max_sse_event_size(ANSWER_LIMIT)
        .max_json_response_size(ANSWER_LIMIT)
        // The number of concurrent requests is for the transport to limit.
        .max_concurrent_requests(usize::MAX)
        .reinit_on_expired_session(true);
    config.retry_config = Arc::new(backoff);
    config
}
