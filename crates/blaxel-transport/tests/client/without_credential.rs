//! A request without a credential carries nothing of the client, whatever layers do with it, and is in
//! all other respects a call of its plane.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{
    Body, BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, open,
};
use blaxel_transport::{Client, ClientBuilder, CustomTransport};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;
use tower::layer::util::Identity;
use tower::util::MapRequestLayer;

const ADDRESS: &str = "https://preview.example/base";

static LIST: OperationInfo =
    OperationInfo::new("ListThings", Method::GET, "/things").with_plane(Plane::Run);

/// The requests that reached the transport.
type Seen = Arc<Mutex<Vec<Request<()>>>>;

/// Returns a builder on a transport that records requests and responds with these statuses, and with
/// silence after them.
fn builder(
    statuses: &[u16],
    seen: &Seen,
) -> ClientBuilder<CustomTransport<impl HttpService + use<>>, Identity, Identity> {
    let mut statuses: Vec<u16> = statuses.to_vec();
    statuses.reverse();
    let (statuses, log) = (Arc::new(Mutex::new(statuses)), Arc::clone(seen));
    let transport = tower::service_fn(move |request: Request<Body>| -> BoxFuture<_> {
        log.lock().unwrap().push(request.map(drop));
        let status = statuses.lock().unwrap().pop();
        Box::pin(async move {
            let Some(status) = status else {
                return std::future::pending().await;
            };
            let response = Response::builder().status(status);
            Ok::<_, Error>(response.body(Body::from("{}")).unwrap())
        })
    });
    Client::builder()
        .api_key("bl_canary")
        .workspace("demo")
        .transport(transport)
}

fn request(address: &str) -> Request<Body> {
    let mut writer = RequestWriter::new(&LIST);
    writer.address(address, &Source::Code).unwrap();
    writer.below("things").unwrap();
    let token = HeaderName::from_static("x-blaxel-preview-token");
    writer.header(token, "preview").unwrap();
    writer.without_credential();
    writer.finish().unwrap()
}

/// Returns the names of the headers of the only request that arrived.
fn only_headers(seen: &Seen) -> Vec<String> {
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let names = seen[0].headers().keys();
    names.map(|name| name.as_str().to_owned()).collect()
}

#[tokio::test]
async fn it_carries_only_its_own_headers_to_any_address() {
    for address in [
        ADDRESS,
        // The client may send its credential to these.
        "https://sbx-a-demo.us-pdx-1.bl.run",
        "https://api.blaxel.ai/v0",
        "http://127.0.0.1:9",
    ] {
        let seen = Seen::default();
        let client = builder(&[200], &seen).build().unwrap();
        let mut request = request(address);
        for name in ["authorization", "x-blaxel-authorization"] {
            let stray = HeaderValue::from_static("Bearer stray");
            request.headers_mut().insert(name, stray);
        }
        open(&client, request).await.unwrap();
        assert_eq!(only_headers(&seen), ["x-blaxel-preview-token"], "{address}");
    }
}

/// Builds a new request that keeps the head and drops the extensions.
fn without_extensions(request: Request<Body>) -> Request<Body> {
    let (head, body) = request.into_parts();
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    request
}

fn wrapped(request: Request<Body>) -> Request<Body> {
    request.map(|body| Body::new(UnsyncBoxBody::new(body)))
}

#[tokio::test]
async fn layers_that_drop_a_carrier_of_the_context_add_nothing() {
    for layer in [without_extensions, wrapped] {
        for at_call in [true, false] {
            let seen = Seen::default();
            let layer = MapRequestLayer::new(layer);
            let client = if at_call {
                builder(&[200], &seen).call_layer(layer).build()
            } else {
                builder(&[200], &seen).attempt_layer(layer).build()
            };
            open(&client.unwrap(), request(ADDRESS)).await.unwrap();
            assert_eq!(only_headers(&seen), ["x-blaxel-preview-token"]);
        }
    }
}

/// Nothing is left that would tell the request from one with a credential, so it is not sent.
#[tokio::test]
async fn without_both_carriers_nothing_is_sent_or_nothing_is_added() {
    let lost = |request| wrapped(without_extensions(request));
    for address in [ADDRESS, "https://sbx-a-demo.us-pdx-1.bl.run"] {
        let seen = Seen::default();
        let layer = MapRequestLayer::new(lost);
        let client = builder(&[], &seen).call_layer(layer).build().unwrap();
        let error = open(&client, request(address)).await.unwrap_err();
        assert!(error.is_input() && error.attempts() == 0, "{error}");
        assert!(seen.lock().unwrap().is_empty());

        let layer = MapRequestLayer::new(lost);
        let client = builder(&[200], &seen).attempt_layer(layer).build().unwrap();
        open(&client, request(address)).await.unwrap();
        assert_eq!(only_headers(&seen), ["x-blaxel-preview-token"]);
    }
}

/// A layer that authenticates every request must not do so for this one.
#[tokio::test]
async fn a_credential_that_an_attempt_layer_adds_is_removed() {
    let seen = Seen::default();
    let layer = MapRequestLayer::new(|mut request: Request<Body>| {
        let value = HeaderValue::from_static("Bearer bl_canary");
        request
            .headers_mut()
            .insert("x-blaxel-authorization", value);
        request
    });
    let client = builder(&[200], &seen).attempt_layer(layer).build().unwrap();
    let address = "https://sbx-a-demo.us-pdx-1.bl.run";
    open(&client, request(address)).await.unwrap();
    assert_eq!(only_headers(&seen), ["x-blaxel-preview-token"]);
}

/// The permission in the request must not be readable on its way.
#[tokio::test]
async fn a_layer_cannot_move_it_to_plain_http() {
    let seen = Seen::default();
    let layer = MapRequestLayer::new(|mut request: Request<Body>| {
        *request.uri_mut() = Uri::from_static("http://preview.example/things?token=canary");
        request
    });
    let client = builder(&[], &seen).call_layer(layer).build().unwrap();
    let error = open(&client, request(ADDRESS)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ListThings: invalid address (given in code): `http://preview.example` is not encrypted: \
         plain http is allowed for loopback addresses only"
    );
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn an_address_that_is_not_encrypted_is_refused() {
    let mut writer = RequestWriter::new(&LIST);
    writer.without_credential();
    let address = "http://preview.example/?token=canary";
    let error = writer.address(address, &Source::Code).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("plain http"));
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn it_has_the_retries_and_the_deadline_of_its_plane() {
    let seen = Seen::default();
    let client = builder(&[503], &seen).build().unwrap();
    let start = Instant::now();
    let error = open(&client, request(ADDRESS)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // The second attempt waited for its response headers, not as long as an upload may take.
    let seconds = start.elapsed();
    assert!(seconds < Duration::from_secs(15 * 60), "{seconds:?}");
    assert!(seen.lock().unwrap().len() >= 2);
}

#[cfg(feature = "oauth")]
mod tokens {
    use super::*;
    use blaxel_auth::Credentials;

    /// A 401 concerns the permission in the request, even one of the platform itself.
    #[tokio::test(start_paused = true)]
    async fn a_401_drops_no_token_of_the_client() {
        let issued = Arc::new(Mutex::new(0));
        let count = Arc::clone(&issued);
        let transport = tower::service_fn(move |request: Request<Body>| {
            let response = if request.uri().path().ends_with("/oauth/token") {
                *count.lock().unwrap() += 1;
                let token = r#"{"access_token":"t","token_type":"Bearer","expires_in":7200}"#;
                Response::new(Body::from(token))
            } else {
                let own = request.headers().contains_key("x-blaxel-authorization");
                Response::builder()
                    .status(if own { 200 } else { 401 })
                    .header("x-blaxel-source", "platform")
                    .body(Body::from(r#"{"error":"invalid preview token"}"#))
                    .unwrap()
            };
            std::future::ready(Ok::<_, Error>(response))
        });
        let client = Client::builder()
            .credentials(Credentials::client_credentials("id", "secret").unwrap())
            .workspace("demo")
            .transport(transport)
            .build()
            .unwrap();
        let usual = || RequestWriter::new(&LIST).finish().unwrap();
        open(&client, usual()).await.unwrap();
        let error = open(&client, request(ADDRESS)).await.unwrap_err();
        assert!(error.is_unauthorized(), "{error}");
        assert_eq!(error.attempts(), 1);
        let text = error.to_string();
        assert!(text.contains("invalid preview token"), "{text}");
        open(&client, usual()).await.unwrap();
        assert_eq!(*issued.lock().unwrap(), 1);
    }
}
