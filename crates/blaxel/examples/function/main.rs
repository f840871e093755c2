//! A function for Blaxel: an MCP server over streamable HTTP, with the official SDK `rmcp`.
//!
//! `cargo run --example function --features mcp` serves it at `http://127.0.0.1:8080/mcp`, until Ctrl-C. On the platform,
//! `BL_SERVER_HOST` and `BL_SERVER_PORT` say where to listen, and the gateway in front of the function checks the
//! credentials of its callers.

mod weather;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use weather::Weather;

#[tokio::main]
async fn main() -> ExitCode {
    let address = address(|name| std::env::var(name).ok());
    match serve(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("function failed at {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the address to listen on, from the variables of the platform.
fn address(variables: impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| variables(name).filter(|value| !value.is_empty());
    let host = set("BL_SERVER_HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = set("BL_SERVER_PORT").unwrap_or_else(|| "8080".to_owned());
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// Serves the function until Ctrl-C.
async fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let stop = async {
        // Without a signal handler, the function runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, router())
        .with_graceful_shutdown(stop)
        .await
}

/// Returns the server of the function.
fn router() -> Router {
    // Callers know the function by the platform's host names, which the gateway has checked.
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    let sessions = Arc::new(LocalSessionManager::default());
    let server = StreamableHttpService::new(|| Ok(Weather), sessions, config);
    Router::new().nest_service("/mcp", server)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use blaxel::inference::mcp::{JsonRpcError, McpClient};
    use blaxel::{Client, Inference};
    use blaxel_emulator::{Emulator, Workload};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_platform_says_where_to_listen() {
        for (host, port, expected) in [
            ("", "", "127.0.0.1:8080"),
            ("0.0.0.0", "80", "0.0.0.0:80"),
            ("::", "8080", "[::]:8080"),
        ] {
            let set = HashMap::from([("BL_SERVER_HOST", host), ("BL_SERVER_PORT", port)]);
            let found = address(|name| set.get(name).map(|&value| value.to_owned()));
            assert_eq!(found, expected);
        }
        assert_eq!(address(|_| None), "127.0.0.1:8080");
    }

    /// Connects to the function through the gateway of an emulator, which checks the credential.
    async fn connect(api_key: &str, emulator: &Emulator) -> Result<McpClient, blaxel::Error> {
        let client = Client::builder()
            .api_key(api_key)
            .workspace(emulator.workspace())
            .api_url(emulator.url())
            .run_url(emulator.run_url())
            .build()?;
        Inference::new(client).function("weather").connect().await
    }

    #[tokio::test]
    async fn our_client_calls_the_function_through_the_gateway() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async { axum::serve(listener, router()).await });
        let emulator = Emulator::builder()
            .forward(Workload::function("weather"), &url)
            .unwrap()
            .start()
            .await
            .unwrap();

        let stranger = connect("bl_wrong", &emulator).await.unwrap_err();
        assert!(stranger.is_unauthorized(), "{stranger}");
        let mcp = connect(emulator.api_key(), &emulator).await.unwrap();
        assert_eq!(mcp.server_info().name, "weather");
        let tools = mcp.tools().await.unwrap();
        assert_eq!(tools[0].name, "forecast");

        let arguments = json!({"city": "Oslo", "days": 2});
        let output = mcp.tool("forecast").call(&arguments).await.unwrap();
        let days = output.structured_content.unwrap();
        assert_eq!(days["days"].as_array().unwrap().len(), 2);
        let output = mcp
            .tool("forecast")
            .call(&json!({"city": "Atlantis"}))
            .await
            .unwrap();
        assert!(output.is_error, "{output:?}");
        let error = mcp
            .tool("forecast")
            .call(&json!({"days": 2}))
            .await
            .unwrap_err();
        let refusal = JsonRpcError::of(&error).unwrap();
        assert_eq!(refusal.code, JsonRpcError::INVALID_PARAMS);
        mcp.close().await.unwrap();
        server.abort();
    }
}
