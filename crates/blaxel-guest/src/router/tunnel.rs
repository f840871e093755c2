//! The tunnel for outgoing connections. Its configuration is checked, and no tunnel is opened.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::__private::lenient::null_as_default;
use http::Method;
use serde::Deserialize;

use super::call::{Call, into_response};
use super::respond::{HandlerResult, Refusal, missing, success};
use super::route::Route;
use crate::version::ServerVersion;

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "ConnectTunnel",
        method: Method::PUT,
        pattern: "/network/tunnel/config",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(configure(call).await) }),
    },
    Route {
        operation: "DisconnectTunnel",
        method: Method::DELETE,
        pattern: "/network/tunnel",
        since: ServerVersion::August,
        handler: |call| Box::pin(async move { into_response(disconnect(&call)) }),
    },
];

/// The bytes of a key.
const KEY: usize = 32;

async fn configure(mut call: Call) -> HandlerResult {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Request {
        #[serde(deserialize_with = "null_as_default")]
        config: String,
    }
    let request: Request = call.take_json().await?;
    if request.config.is_empty() {
        let problem = missing("TunnelConfigRequest", "Config");
        return Err(Refusal::bad_request(format!(
            "invalid request body: {problem}"
        )));
    }
    check(&request.config)
        .map_err(|problem| Refusal::unprocessable(format!("invalid tunnel config: {problem}")))?;
    call.state.has_tunnel.store(true, Ordering::Relaxed);
    success("", "Tunnel configuration updated successfully")
}

fn disconnect(call: &Call) -> HandlerResult {
    if !call.state.has_tunnel.swap(false, Ordering::Relaxed) {
        return Err(Refusal::bad_request("no WireGuard client is running"));
    }
    success("", "Tunnel disconnected")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    #[serde(deserialize_with = "null_as_default")]
    local_ip: String,
    #[serde(deserialize_with = "null_as_default")]
    peer_endpoint: String,
    #[serde(deserialize_with = "null_as_default")]
    peer_public_key: String,
    #[serde(deserialize_with = "null_as_default")]
    private_key: String,
    #[serde(deserialize_with = "null_as_default")]
    mtu: i64,
    #[serde(deserialize_with = "null_as_default")]
    allowed_ips: Vec<String>,
}

/// Checks a configuration. The problem quotes nothing of it: it has a private key.
fn check(config: &str) -> Result<(), String> {
    let text = STANDARD.decode(config);
    let text = text.map_err(|_| "failed to decode base64 configuration")?;
    let config: Config =
        serde_json::from_slice(&text).map_err(|_| "failed to parse JSON configuration")?;
    let checks: [(bool, &str); 8] = [
        (!config.local_ip.is_empty(), "local_ip is required"),
        (
            is_network(&config.local_ip),
            "local_ip must be in CIDR notation (e.g., 10.0.0.1/32)",
        ),
        (
            !config.peer_endpoint.is_empty(),
            "peer_endpoint is required",
        ),
        (
            has_port(&config.peer_endpoint),
            "peer_endpoint must be in host:port format (e.g., 1.2.3.4:51820)",
        ),
        (
            !config.peer_public_key.is_empty(),
            "peer_public_key is required",
        ),
        (is_key(&config.peer_public_key), "invalid peer_public_key"),
        (!config.private_key.is_empty(), "private_key is required"),
        (is_key(&config.private_key), "invalid private_key"),
    ];
    let more = [
        (
            config.allowed_ips.iter().all(|network| is_network(network)),
            "invalid allowed_ip",
        ),
        (
            config.mtu == 0 || (68..=65_535).contains(&config.mtu),
            "mtu must be between 68 and 65535",
        ),
    ];
    let failed = checks.into_iter().chain(more).find(|(is_met, _)| !is_met);
    failed.map_or(Ok(()), |(_, problem)| {
        Err(format!("invalid configuration: {problem}"))
    })
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn has_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'))
}

fn is_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|key| key.len() == KEY)
}
