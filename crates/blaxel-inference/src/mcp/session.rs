//! The start of a session.

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
use super::transport::Transport;

/// The maximum size of a response that is read into memory, and of an event of a stream, in bytes.
const RESPONSE_LIMIT: usize = 32 * 1024 * 1024;
/// The maximum number of times that an interrupted response is resumed.
const MAX_RESUMPTIONS: usize = 5;
/// The first delay before a resumption. It doubles each time, and servers may ask for a longer one.
const MIN_RESUMPTION_DELAY: Duration = Duration::from_millis(250);
/// The longest delay before a resumption.
const MAX_RESUMPTION_DELAY: Duration = Duration::from_secs(5);

/// Starts a session as a client with this name and version.
pub(super) async fn start<S: HttpService>(
    service: S,
    shared: Shared,
    (name, version): (String, String),
) -> Result<McpClient, Error> {
    if let Err(problem) = Handle::try_current() {
        return Err(Error::input("runtime", &Source::Code, problem));
    }
    let shared = Arc::new(shared);
    // The holder of the sender owns the session. Once it is dropped, nothing is sent any more.
    let (owner, owned) = watch::channel(());
    let transport = Transport::new(service, Arc::clone(&shared), owned);
    let transport = StreamableHttpClientTransport::with_client(transport, config());
    let info = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new(name, version),
    )
    .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    let running = serve_client(info, transport).await.map_err(|problem| {
        error::in_operation(
            error::from_initialize_error(problem, shared.take_failure()),
            &shared.operations.call,
        )
    })?;
    McpClient::new(running, owner, shared)
}

fn config() -> StreamableHttpClientTransportConfig {
    let mut backoff = ExponentialBackoff::default();
    backoff.max_times = Some(MAX_RESUMPTIONS);
    backoff.base_duration = MIN_RESUMPTION_DELAY;
    backoff.max_delay = Some(MAX_RESUMPTION_DELAY);
    // `rmcp` requires an address, but `Transport` uses that of the target instead.
    let mut config = StreamableHttpClientTransportConfig::with_uri(SUFFIX)
        .max_sse_event_size(RESPONSE_LIMIT)
        .max_json_response_size(RESPONSE_LIMIT)
        // The service limits the number of concurrent requests.
        .max_concurrent_requests(usize::MAX)
        .reinit_on_expired_session(true);
    config.retry_config = Arc::new(backoff);
    config
}
