//! The start of a session.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::{BoxService, Error, Source};
use rmcp::RoleClient;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::serve_client;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::client::McpClient;
use super::error;
use super::host::SUFFIX;
use super::model::ServerInfo;
use super::shared::{MESSAGE_LIMIT, REQUESTED_VERSION, Shared};
use super::transport::HttpTransport;
#[cfg(feature = "mcp-websocket")]
use super::websocket::WebSocketTransport;

/// The maximum number of times that an interrupted response is resumed.
const MAX_RESUMPTIONS: usize = 5;
/// The first delay before a resumption. It doubles each time, and servers may ask for a longer one.
const MIN_RESUMPTION_DELAY: Duration = Duration::from_millis(250);
/// The longest delay before a resumption.
const MAX_RESUMPTION_DELAY: Duration = Duration::from_secs(5);

/// The method of the request that starts a session.
const INITIALIZE: &str = "initialize";

/// The name and the version of the client.
type Client = (String, String);

/// Starts a session over streamable HTTP.
pub(super) async fn start(
    service: BoxService,
    shared: Shared,
    client: Client,
) -> Result<McpClient, Error> {
    check_runtime()?;
    let shared = Arc::new(shared);
    // The holder of the sender owns the session. Once it is dropped, nothing is sent any more.
    let (owner, owned) = watch::channel(());
    let transport = HttpTransport::new(service, Arc::clone(&shared), owned);
    let transport = StreamableHttpClientTransport::with_client(transport, config());
    let started = serve(transport, owner, shared, client).await;
    started.map_err(error::not_over_http)
}

/// Starts a session by WebSocket.
#[cfg(feature = "mcp-websocket")]
pub(super) async fn start_on_websocket(
    service: BoxService,
    shared: Shared,
    client: Client,
) -> Result<McpClient, Error> {
    check_runtime()?;
    let shared = Arc::new(shared);
    let (owner, owned) = watch::channel(());
    let transport = WebSocketTransport::connect(service, Arc::clone(&shared), owned)
        .await
        .map_err(error::not_by_websocket)?;
    serve(transport, owner, shared, client).await
}

/// Checks that there is a tokio runtime with its timer enabled.
fn check_runtime() -> Result<(), Error> {
    if let Err(problem) = Handle::try_current() {
        return Err(Error::input("tokio runtime", &Source::Code, problem));
    }
    // Tokio has no other way to find out. It prints the panic message unless a hook prevents that.
    if catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_err() {
        let problem = "its timer is disabled; enable it with `enable_time` or `enable_all`";
        return Err(Error::input("tokio runtime", &Source::Code, problem));
    }
    Ok(())
}

/// Starts a session on a transport.
async fn serve<T, E, A>(
    transport: T,
    owner: watch::Sender<()>,
    shared: Arc<Shared>,
    (name, version): Client,
) -> Result<McpClient, Error>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let info = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new(name, version),
    )
    .with_protocol_version(REQUESTED_VERSION);
    let serving = async {
        let serving = serve_client(info, transport).await;
        match (shared.startup.take_outcome(), serving) {
            (Some(Ok(result)), Ok(running)) => Ok((running, result)),
            (Some(Err(error)), _) => Err(error),
            (None, Ok(_)) => Err(error::unexpected_result(INITIALIZE)),
            // The message that completes the start has failed, if there is a result.
            (_, Err(problem)) => Err(shared
                .take_failure()
                .unwrap_or_else(|| error::from_initialize_error(problem))),
        }
    };
    let started = {
        let _registration = shared.pending.registration(&shared.startup);
        shared.startup.within_limit(serving).await
    };
    let outcome = started.and_then(|(running, result)| {
        let info = ServerInfo::read(&result, REQUESTED_VERSION.as_str());
        Ok((
            running,
            info.ok_or_else(|| error::unexpected_result(INITIALIZE))?,
        ))
    });
    match outcome {
        Ok((running, info)) => Ok(McpClient::new(running, owner, shared, info)),
        Err(error) => Err(error::in_operation(error, &shared.operations.call)),
    }
}

fn config() -> StreamableHttpClientTransportConfig {
    let mut backoff = ExponentialBackoff::default();
    backoff.max_times = Some(MAX_RESUMPTIONS);
    backoff.base_duration = MIN_RESUMPTION_DELAY;
    backoff.max_delay = Some(MAX_RESUMPTION_DELAY);
    // `rmcp` requires an address, but `Transport` uses that of the target instead.
    let mut config = StreamableHttpClientTransportConfig::with_uri(SUFFIX)
        .max_sse_event_size(MESSAGE_LIMIT)
        .max_json_response_size(MESSAGE_LIMIT)
        // The service limits the number of concurrent requests.
        .max_concurrent_requests(usize::MAX)
        .reinit_on_expired_session(true);
    config.retry_config = Arc::new(backoff);
    config
}
