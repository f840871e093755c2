//! [`upgrade`], a call that turns its connection into one of another protocol.

use http::StatusCode;
use http::header::UPGRADE;
use http::response::Parts;

use crate::body::Body;
use crate::context::{CallContext, upgrade_request};
use crate::error::{Error, ErrorParts};
use crate::service::{HttpService, read_error};
use crate::source::Source;
use crate::upgraded::Upgraded;

/// The cause of a failure whose request did not ask for the upgrade on the wire.
const NOT_ASKED: &str = "the server was not asked for an upgrade: the transport cannot upgrade \
                         connections, or a layer dropped the context of the request";

/// Sends a request that asks for another protocol, and returns the connection once the server has agreed.
///
/// [`RequestWriter::upgrade`](crate::RequestWriter::upgrade) creates such a request. The transport sends
/// it over HTTP/1.1, on a connection of its own. The time limits of the call end with the response
/// headers, as for a stream; nothing limits the connection. Dropping the future closes the connection,
/// and so does dropping the [`Upgraded`].
///
/// The returned head is that of the response, for the handshake of the protocol.
///
/// ```no_run
/// use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, Source, Upgraded, upgrade};
///
/// static TERMINAL: OperationInfo =
///     OperationInfo::new("OpenTerminal", http::Method::GET, "/terminal/ws").with_plane(Plane::Run);
///
/// async fn terminal(service: &impl HttpService, address: &str) -> Result<Upgraded, Error> {
///     let mut writer = RequestWriter::new(&TERMINAL);
///     writer.address(address, &Source::Code)?;
///     writer.below("terminal/ws")?;
///     writer.upgrade("websocket")?;
///     let (_head, connection) = upgrade(service, writer.finish()?).await?;
///     Ok(connection)
/// }
/// ```
///
/// # Errors
///
/// [`Error::is_input`] if the request asks for no upgrade; the service's error if it fails; the server's
/// error for any other status than 101. [`Error::is_decode`] if the server agrees to another protocol, if
/// it responds with a success instead of the upgrade, and if the service cannot upgrade connections.
pub async fn upgrade<S: HttpService>(
    service: &S,
    request: http::Request<Body>,
) -> Result<(Parts, Upgraded), Error> {
    let context = CallContext::of(request.extensions()).cloned();
    let Some((context, wanted)) = context
        .as_ref()
        .and_then(|context| Some((context, upgrade_request(context)?)))
    else {
        let problem = "it asks for no upgrade; create it with `RequestWriter::upgrade`";
        return Err(Error::input("request", &Source::Code, problem));
    };
    let response = service.send(request).await?;
    // Closed below, unless it is returned.
    let connection = wanted.take();
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS && !status.is_success() {
        let (error, _) = read_error(context.operation(), response).await;
        return Err(explained(error, wanted.was_sent()));
    }
    let (head, _) = response.into_parts();
    let problem = match connection {
        _ if status.is_success() => "the server did not upgrade the connection",
        Some(_) if !wanted.is_agreed(head.headers.get(UPGRADE)) => {
            "the server agreed to another protocol than the requested one"
        }
        Some(connection) => return Ok((head, connection)),
        None => "the service did not hand over the upgraded connection",
    };
    let error = Error::decode(problem)
        .with_head(&head)
        .with_context(context);
    Err(explained(error, wanted.was_sent()))
}

/// Adds the cause to an error of a request that did not ask for the upgrade.
fn explained(error: Error, was_sent: bool) -> Error {
    if was_sent {
        error
    } else {
        error.caused_by(NOT_ASKED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::OperationInfo;
    use crate::request::RequestWriter;
    use std::future::{Ready, ready};
    use tokio::io::AsyncReadExt;

    static OPEN: OperationInfo = OperationInfo::new("OpenThing", http::Method::GET, "/thing");

    fn request() -> http::Request<Body> {
        let mut writer = RequestWriter::new(&OPEN);
        writer.upgrade("websocket").unwrap();
        writer.finish().unwrap()
    }

    type Response = http::response::Builder;

    /// Returns a service that responds with a status and a header `Upgrade`; if `far` is given, it hands
    /// over one end of it.
    fn service(response: fn(Response) -> Response, with_connection: bool) -> impl HttpService {
        tower::service_fn(
            move |request: http::Request<Body>| -> Ready<Result<_, Error>> {
                let context = CallContext::of(request.extensions()).unwrap();
                let wanted = upgrade_request(context).unwrap();
                if with_connection {
                    assert_eq!(wanted.send(), "websocket");
                    let (near, far) = tokio::io::duplex(8);
                    drop(far);
                    wanted.hand_over(Upgraded::new(near));
                }
                let builder = response(http::Response::builder());
                ready(Ok(builder.body(Body::from(r#"{"error":"why"}"#)).unwrap()))
            },
        )
    }

    async fn outcome(
        response: fn(Response) -> Response,
        with_connection: bool,
    ) -> Result<(Parts, Upgraded), Error> {
        upgrade(&service(response, with_connection), request()).await
    }

    #[tokio::test]
    async fn the_connection_is_returned_after_an_agreement_only() {
        let (head, mut connection) = outcome(
            |response| response.status(101).header("upgrade", "WebSocket"),
            true,
        )
        .await
        .unwrap();
        assert_eq!(head.status, 101);
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).await.unwrap();

        let other = outcome(
            |response| response.status(101).header("upgrade", "h2c"),
            true,
        );
        let error = other.await.unwrap_err();
        assert!(error.is_decode(), "{error}");
        assert!(error.to_string().contains("another protocol"), "{error}");
        assert_eq!(error.operation().unwrap().name(), "OpenThing");

        let error = outcome(|response| response.status(200), true)
            .await
            .unwrap_err();
        assert!(error.is_decode(), "{error}");
        assert!(error.to_string().contains("did not upgrade"), "{error}");
    }

    #[tokio::test]
    async fn the_body_of_an_error_is_parsed() {
        let error = outcome(|response| response.status(404), true)
            .await
            .unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.api().unwrap().message(), Some("why"));
        assert!(!error.to_string().contains("was not asked"), "{error}");
    }

    #[tokio::test]
    async fn a_service_that_cannot_upgrade_is_named() {
        for status in ["101", "200", "400"] {
            let response: fn(Response) -> Response = match status {
                "101" => |response| response.status(101).header("upgrade", "websocket"),
                "200" => |response| response.status(200),
                _ => |response| response.status(400),
            };
            let error = outcome(response, false).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains("cannot upgrade connections"), "{text}");
            assert!(!error.is_transient(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_request_that_asks_for_no_upgrade_is_not_sent() {
        let usual = RequestWriter::new(&OPEN).finish().unwrap();
        let error = upgrade(&service(|response| response, true), usual)
            .await
            .unwrap_err();
        assert!(error.is_input(), "{error}");
    }
}
