//! The promise: a token that the server no longer knows is dropped, one other is fetched, and the
//! request is sent once more. A key's 401 is final, and a 403 is not about the token.

#![cfg(feature = "oauth")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

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

/// A server that hands out numbered tokens and knows those from a number on.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    issued: u32,
    first_known: u32,
    answered: Vec<String>,
    refusal: Option<StatusCode>,
}

impl Server {
    fn leaf(&self) -> impl HttpService + use<> {
        let server = self.clone();
        tower::service_fn(move |request: http::Request<Body>| -> BoxFuture<_> {
            let response = server.answer(&request);
            Box::pin(std::future::ready(Ok::<_, Error>(response)))
        })
    }

    fn answer(&self, request: &http::Request<Body>) -> http::Response<Body> {
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
        state.answered.push(credential);
        let status = match state.refusal {
            _ if number >= state.first_known.max(1) => StatusCode::OK,
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
        blaxel_transport::OwnLeaf<impl HttpService + use<>>,
        tower::layer::util::Identity,
        tower::layer::util::Identity,
    > {
        let credentials = Credentials::client_credentials("id", "secret").unwrap();
        Client::builder()
            .credentials(credentials)
            .workspace("w")
            .transport(self.leaf())
    }

    fn forget_tokens(&self) {
        let mut state = self.0.lock().unwrap();
        state.first_known = state.issued + 1;
    }

    fn count(&self) -> (u32, usize) {
        let state = self.0.lock().unwrap();
        (state.issued, state.answered.len())
    }
}

async fn call(client: &impl HttpService, info: &'static OperationInfo) -> Result<(), Error> {
    let mut writer = RequestWriter::new(info);
    writer.json(&1)?;
    open(client, writer.finish()?).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_token_is_replaced_once_and_the_call_goes_through() {
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
async fn a_server_that_knows_no_token_is_asked_twice_and_no_more() {
    let server = Server::default();
    server.0.lock().unwrap().first_known = u32::MAX;
    let client = server.builder().build().unwrap();
    let error = call(&client, &DO).await.unwrap_err();
    assert!(error.is_unauthorized() && error.attempts() == 2, "{error}");
    assert_eq!(server.count(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn many_calls_with_one_forgotten_token_fetch_one_other() {
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
async fn a_403_a_key_s_401_and_a_workload_s_own_401_are_final() {
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
        .transport(server.leaf())
        .build()
        .unwrap();
    assert!(call(&keyed, &DO).await.unwrap_err().is_unauthorized());
    assert_eq!(server.count(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_once_and_a_client_that_tries_once_send_once() {
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
    // The token is dropped all the same: the next call fetches another.
    call(&client, &DO).await.unwrap();
    assert_eq!(server.count(), (2, 3));

    server.forget_tokens();
    let once = server.builder().retry(RetryPolicy::none()).build().unwrap();
    server.forget_tokens();
    let _ = call(&once, &DO).await;
    assert_eq!(server.count().1, 4);
}

/// A request that a layer sent twice was not refused as a whole if the last one was.
#[tokio::test(start_paused = true)]
async fn a_refused_repetition_by_a_layer_does_not_send_a_change_once_more() {
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
