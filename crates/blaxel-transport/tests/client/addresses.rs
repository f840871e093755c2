//! Promise: nothing is sent to an address that is not connected to exactly as it is written, and no
//! text shows a secret in it.

use std::sync::{Arc, Mutex};

use blaxel_auth::Variables;
use blaxel_core::{
    Body, Error, HttpService, Idempotency, OperationInfo, Plane, RequestWriter, Source, raw_request,
};
use blaxel_transport::{Client, ClientBuilder, HyperTransport, Proxy, Roots};
use http::{Method, Request, Response, Uri};

static LIST: OperationInfo =
    OperationInfo::new("ListThings", Method::GET, "/things").with_idempotency(Idempotency::Safe);

/// Addresses that `http::Uri` takes for those of the default port, or of another host.
const HOSTILE: [&str; 19] = [
    "http://127.0.0.1:99999/v0",
    "http://127.0.0.1:65536/v0",
    "http://127.0.0.1:8o80/v0",
    "http://127.0.0.1:-1/v0",
    "http://127.0.0.1:+80/v0",
    "http://127.0.0.1:port/v0",
    "http://127.0.0.1:0/v0",
    "http://127.0.0.1:/v0",
    "http://127.0.0.1:080/v0",
    "http://[::1]:99999/v0",
    "http://localhost:80:80/v0",
    "https://api.blaxel.ai:99999/v0",
    "https://run.blaxel.ai:443x/v0",
    "https://x.bl.run:65979/v0",
    "https://me:canary@api.blaxel.ai/v0",
    "https://api.blaxel.ai:443@evil.example/v0",
    "https://api..blaxel.ai/v0",
    "https://127.1/v0",
    "https://api%2eblaxel.ai/v0",
];

/// The addresses that reached a transport.
type Seen = Arc<Mutex<Vec<Uri>>>;

/// A transport that records where requests go.
fn recorder(seen: &Seen) -> impl HttpService {
    let seen = Arc::clone(seen);
    tower::service_fn(move |request: Request<Body>| {
        seen.lock().unwrap().push(request.uri().clone());
        async { Ok::<_, Error>(Response::new(Body::empty())) }
    })
}

#[track_caller]
fn refused(error: &Error, address: &str, source: &str) {
    let text = format!("{error} {error:?}");
    assert!(error.is_input(), "{address}: {text}");
    assert!(text.contains(source), "{address}: {text}");
    assert!(!text.contains("canary"), "{address}: {text}");
}

#[test]
fn a_setting_with_a_hostile_address_is_refused_when_the_client_is_built() {
    let builder = || Client::builder().api_key("k").workspace("w");
    for address in HOSTILE
        .into_iter()
        .chain(["https://api.blaxel.ai/?key=canary"])
    {
        for set in [
            ClientBuilder::api_url,
            ClientBuilder::run_url,
            ClientBuilder::trust,
        ] {
            refused(
                &set(builder(), address).build().unwrap_err(),
                address,
                "given in code",
            );
        }
        for name in ["BL_API_URL", "BL_RUN_URL"] {
            let variables = Variables::from_iter([("BL_API_KEY", "k"), (name, address)]);
            let error = ClientBuilder::from_variables(&variables)
                .unwrap()
                .build()
                .unwrap_err();
            refused(&error, address, name);
        }
    }
}

#[tokio::test]
async fn a_request_with_a_hostile_address_reaches_no_transport() {
    let seen = Seen::default();
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .api_url("http://127.0.0.1/v0")
        .run_url("http://localhost:80")
        .trust("https://evil.example")
        .transport(recorder(&seen))
        .build()
        .unwrap();
    for address in HOSTILE {
        let request = || Request::get(address).body(Body::empty());
        // `Uri` itself refuses some of them.
        if let Ok(request) = request() {
            let error = raw_request(Plane::Control, request).unwrap_err();
            refused(&error, address, "given in code");
        }
        if let Ok(address) = address.parse() {
            for plane in [Plane::Control, Plane::Run, Plane::Presigned] {
                let mut request = raw_request(plane, Request::get("/x").body("").unwrap()).unwrap();
                *request.uri_mut() = Uri::clone(&address);
                let error = client.send(request).await.unwrap_err();
                assert!(error.is_input(), "{address}: {error}");
            }
        }
        for source in [
            Source::variable("BL_AGENT_X_URL"),
            Source::Response("metadata.url".into()),
        ] {
            let mut writer = RequestWriter::new(&LIST);
            let error = writer.address(address, &source).unwrap_err();
            refused(&error, address, &source.to_string());
            let error = writer.presigned(address, &source).unwrap_err();
            refused(&error, address, &source.to_string());
        }
    }
    assert_eq!(*seen.lock().unwrap(), Vec::<Uri>::new());
}

/// The transport is the last one to look: a layer below all other checks may have changed an address.
#[tokio::test]
async fn the_transport_never_uses_a_default_port_for_one_that_it_cannot_read() {
    for proxy in [
        Proxy::none(),
        Proxy::via("http://127.0.0.1:9")
            .unwrap()
            .including_loopback(),
    ] {
        let transport = HyperTransport::builder()
            .roots(Roots::Added)
            .proxy(proxy)
            .build();
        for address in HOSTILE {
            let Ok(request) = Request::get(address).body(Body::empty()) else {
                continue;
            };
            let error = transport.send(request).await.unwrap_err();
            assert!(error.is_input(), "{address}: {error}");
            assert!(
                !format!("{error} {error:?}").contains("canary"),
                "{error:?}"
            );
        }
    }
}
