//! [`Route`], which makes connections.

use std::future::poll_fn;
use std::sync::Arc;

use blaxel_core::BoxError;
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::Connection as _;
use tower_service::Service as _;

use super::connection::Connection;
use super::connector::Connector;
use super::executor::Executor;
use super::origin::Origin;
use super::version::HttpVersion;

/// The way to make connections. Cloning it increments reference counts.
#[derive(Clone)]
pub(super) struct Route {
    connector: Connector,
    version: HttpVersion,
    http2: Arc<http2::Builder<Executor>>,
}

impl Route {
    /// Creates a route whose connections speak `version`, and HTTP/2 with these settings.
    pub(super) fn new(
        connector: Connector,
        version: HttpVersion,
        http2: Arc<http2::Builder<Executor>>,
    ) -> Self {
        Self {
            connector,
            version,
            http2,
        }
    }

    /// Returns `true` if it is known before a connection is made that requests share it.
    pub(super) fn is_shared(&self) -> bool {
        self.version == HttpVersion::Http2
    }

    /// Makes a connection.
    pub(super) async fn connect(mut self, origin: &Origin) -> Result<Connection, BoxError> {
        poll_fn(|cx| self.connector.poll_ready(cx)).await?;
        let stream = self.connector.call(origin.to_uri()?).await?;
        let is_http2 = self.is_shared() || stream.connected().is_negotiated_h2();
        let connection = match is_http2 {
            true => Connection::http2(stream, &self.http2).await,
            false => Connection::http1(stream).await,
        };
        Ok(connection?)
    }
}
