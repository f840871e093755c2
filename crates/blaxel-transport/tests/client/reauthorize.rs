//! A token that the server rejects is dropped, another one is fetched, and the request is sent once
//! more. A 401 for an API key is final, and a 403 does not concern the token.

use std::sync::{Arc, Mutex};

use blaxel_auth::Credentials;
use blaxel_core::{
    Body, BoxFuture, BoxService, Error, HttpService, OperationInfo, Plane, RequestWriter, open,
};
use blaxel_transport::{Client, ClientBuilder, RetryPolicy};
use http::{Method, StatusCode};

static DO: OperationInfo = OperationInfo::new("DoThing", Method::POST, "/things");
static ASK: OperationInfo =
    OperationInfo::new("AskThing", Method::POST, "/things").with_plane(Plane::Run);

/// A server that issues numbered tokens and accepts those from a certain number on.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    issued: u32,
    first_accepted: u32,
    credentials: Vec<String>,
    refusal: Option<StatusCode>,
}

impl Server {
    /// Returns a transport to this server.
    fn transport(&self) -> impl HttpService + use<> {
        let server = self.clone();
        tower::service_fn(move |request: http::Request<Body>| -> BoxFuture<_> {
            let response = server.respond(&request);
            Box::pin(std::future::ready(Ok::<_, Error>(response)))
        })
    }

    /// Responds to a token request or to an operation.
    fn respond(&self, request: &http::Request<Body>) -> http::Response<Body> {
        let mut state = self.0.lock().unwrap();
        if request.uri().path().ends_with("/oauth/token") {
            state.issued += 1;
            let token = format!(
                r#"{{"access_token":"t{}","token_type":"Bearer","expires_in":7200}}"#,
                state.issued
            );
            return http::Response::new(Body::from(token));
        }
        let credential = request.headers()["x-blaxel-authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        let number: u32 = credential
            .trim_start_matches("Bearer t")
            .parse()
            .unwrap_or(0);
        state.credentials.push(credential);
        let status = match state.refusal {
            _ if number >= state.first_accepted.max(1) => StatusCode::OK,
            refusal => refusal.unwrap_or(StatusCode::UNAUTHORIZED),
        };
        http::Response::builder()
            .status(status)
            .body(Body::from("{}"))
            .unwrap()
    }

    fn builder(
        &self,
    ) -> ClientBuilder<
        blaxel_transport::CustomTransport<impl HttpService + use<>>,
        tower::layer::util::Identity,
        tower::layer::util::Identity,
    > {
        let credentials = Credentials::client_credentials("id", "secret").unwrap();
        Client::builder()
            .credentials(credentials)
            .workspace("w")
            .transport(self.transport())
    }

    /// Rejects all tokens issued so far.
    fn forget_tokens(&self) {
        let mut state = self.0.lock().unwrap();
        state.first_accepted = state.issued + 1;
    }

    /// Returns the number of issued tokens and of received operations.
    fn count(&self) -> (u32, usize) {
        let state = self.0.lock().unwrap();
        (state.issued, state.credentials.len())
    }
}

async fn call(client: &impl HttpService, info: &'static OperationInfo) -> Result<(), Error> {
    let mut writer = RequestWriter::new(info);
    writer.json(&1)?;
    open(client, writer.finish()?).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_replaced_and_the_call_succeeds() {
    let server = Server::default();
    let client = server.builder().build().unwrap();
    call(&client, &DO).await.unwrap();
    server.forget_tokens();
    call(&client, &DO).await.unwrap();
    assert_eq!(server.count(), (2, 3));
    call(&client, &DO).await.unwrap();
    assert_eq!(server.count(), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_sent_at_most_twice_if_every_token_is_rejected() {
    let server = Server::default();
    server.0.lock().unwrap().first_accepted = u32::MAX;
    let client = server.builder().build().unwrap();
    let error = call(&client, &DO).await.unwrap_err();
    assert!(error.is_unauthorized() && error.attempts() == 2, "{error}");
    assert_eq!(server.count(), (2, 2));
}

/// A workload's own 401 is its response, also if a layer dropped the extensions of the request. Without
/// the body's context too, the address names no plane, and nothing is sent.
#[tokio::test(start_paused = true)]
async fn a_call_of_a_workload_address_arrives_at_most_once_behind_a_layer() {
    for (keeps_body, arrivals) in [(true, 1), (false, 0)] {
        let server = Server::default();
        server.0.lock().unwrap().first_accepted = u32::MAX;
        let drop_context =
            tower::util::MapRequestLayer::new(move |request: http::Request<Body>| {
                let (head, body) = request.into_parts();
                let body = match keeps_body {
                    true => body,
                    false => Body::new(http_body_util::combinators::UnsyncBoxBody::new(body)),
                };
                let mut request = http::Request::new(body);
                (*request.method_mut(), *request.uri_mut()) = (head.method, head.uri);
                request
            });
        let client = server.builder().call_layer(drop_context).build().unwrap();
        let mut writer = RequestWriter::new(&ASK);
        let address = "https://agt-a-w.us-pdx-1.bl.run";
        writer.address(address, &blaxel_core::Source::Code).unwrap();
        writer.json(&1).unwrap();
        let error = open(&client, writer.finish().unwrap()).await.unwrap_err();
        assert_eq!(server.count().1, arrivals, "{error}");
        assert_eq!(error.is_unauthorized(), keeps_body, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_always_rejected_cost_few_tokens() {
    let server = Server::default();
    server.0.lock().unwrap().first_accepted = u32::MAX;
    let client = server.builder().build().unwrap();
    for _ in 0..200 {
        let error = call(&client, &DO).await.unwrap_err();
        assert!(error.is_unauthorized(), "{error}");
    }
    assert_eq!(server.count(), (2, 201));
    // After the cool-down, a token is accepted again.
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    server.forget_tokens();
    call(&client, &DO).await.unwrap();
    assert_eq!(server.count(), (3, 203));
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_with_one_rejected_token_fetch_one_new_token() {
    let server = Server::default();
    let client = server.builder().build().unwrap();
    call(&client, &DO).await.unwrap();
    server.forget_tokens();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, &DO).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.count().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_403_an_api_keys_401_and_a_workloads_own_401_are_final() {
    let server = Server::default();
    let client = server.builder().build().unwrap();
    call(&client, &DO).await.unwrap();
    server.forget_tokens();
    let error = call(&client, &ASK).await.unwrap_err();
    assert!(error.is_unauthorized() && error.attempts() == 1, "{error}");
    server.0.lock().unwrap().refusal = Some(StatusCode::FORBIDDEN);
    assert!(call(&client, &DO).await.unwrap_err().is_forbidden());
    assert_eq!(server.count(), (1, 3));

    let server = Server::default();
    let keyed = Client::builder()
        .api_key("k")
        .transport(server.transport())
        .build()
        .unwrap();
    let error = call(&keyed, &DO).await.unwrap_err();
    assert!(error.is_unauthorized());
    let advice = "check the credential given in code";
    assert!(error.to_string().contains(advice), "{error}");
    assert_eq!(server.count(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_and_a_policy_without_retries_are_sent_once() {
    let server = Server::default();
    let client = server.builder().build().unwrap();
    call(&client, &DO).await.unwrap();
    server.forget_tokens();
    let mut writer = RequestWriter::new(&DO);
    let stream = http_body_util::Full::new(bytes::Bytes::from_static(b"x"));
    writer.body(
        Body::new(stream),
        http::HeaderValue::from_static("text/plain"),
    );
    let error = open(&client, writer.finish().unwrap()).await.unwrap_err();
    assert!(error.is_unauthorized() && error.attempts() == 1, "{error}");
    // The token is dropped nevertheless: the next call fetches another.
    call(&client, &DO).await.unwrap();
    assert_eq!(server.count(), (2, 3));

    server.forget_tokens();
    let once = server.builder().retry(RetryPolicy::none()).build().unwrap();
    server.forget_tokens();
    let _ = call(&once, &DO).await;
    assert_eq!(server.count().1, 4);
}

/// Covers a layer that sends the request twice, of which only the second one is rejected.
#[tokio::test(start_paused = true)]
async fn a_change_is_not_resent_if_only_a_layers_repetition_was_rejected() {
    let server = Server::default();
    let forgetful = server.clone();
    let layer = tower::layer::layer_fn(move |inner: BoxService| {
        let server = forgetful.clone();
        tower::service_fn(move |request: http::Request<Body>| {
            let (inner, server) = (inner.clone(), server.clone());
            async move {
                let mut second = http::Request::new(request.body().try_clone().unwrap());
                *second.method_mut() = request.method().clone();
                *second.uri_mut() = request.uri().clone();
                *second.headers_mut() = request.headers().clone();
                *second.extensions_mut() = request.extensions().clone();
                inner.send(request).await?;
                server.forget_tokens();
                inner.send(second).await
            }
        })
        .boxed()
    });
    let client = server
        .builder()
        .attempt_layer(layer)
        .attempt_layer(tower::layer::layer_fn(HttpService::boxed))
        .build()
        .unwrap();
    let error = call(&client, &DO).await.unwrap_err();
    assert!(error.is_unauthorized() && error.maybe_applied(), "{error}");
    assert_eq!((server.count().1, error.attempts()), (2, 2));
}
