//! Responses of authorization servers.

use std::sync::{Arc, Mutex};

use blaxel_auth::{Authenticator, AuthorizationServer, Credentials, DeviceLogin, Dialect, Tokens};
use blaxel_core::{BaseUrl, Body, BoxService, Error, HttpService};
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

/// The refresh token of a sign-in, which no text may have.
const REFRESH_TOKEN: &str = "refresh-token-canary";

const TOKEN_ENDPOINT: &str = "https://id.example/token";

fn device_server() -> AuthorizationServer {
    let server = AuthorizationServer::standard(TOKEN_ENDPOINT).unwrap();
    server
        .with_device_endpoint("https://id.example/device")
        .unwrap()
}

fn described(outcome: Result<Value, Error>) -> Value {
    outcome.unwrap_or_else(|error| json!({"error": outcome::error(&error)}))
}

fn tokens(tokens: &Tokens) -> Value {
    json!({
        "access_token": tokens.access_token().map(|token| token.expose()),
        "refresh_token": tokens.refresh_token().map(|token| token.expose()),
        "expires_in": tokens.expires_in().map(|time| time.as_secs_f64()),
    })
}

fn respond(body: &Value) -> Response<Body> {
    let response = Response::builder().header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

#[test]
fn token_responses_are_read_whole_or_not_at_all() {
    check(
        &cases("oauth-token"),
        Cut::Complete,
        async |service, case: &Case| {
            let credentials = Credentials::refresh_token(REFRESH_TOKEN).unwrap();
            let authenticator = if case.expected["dialect"] == "blaxel" {
                let base = "https://id.example".parse::<BaseUrl>().unwrap();
                Authenticator::with_dialect(&credentials, &base, service, Dialect::Blaxel)
            } else {
                let server = AuthorizationServer::standard(TOKEN_ENDPOINT).unwrap();
                Authenticator::with_server(&credentials, &server, service)
            };
            let header = authenticator.header().await;
            described(header.map(|_| tokens(&credentials.tokens().unwrap())))
        },
    );
}

#[test]
fn device_logins_are_started() {
    check(
        &cases("oauth-device"),
        Cut::Complete,
        async |service, _: &Case| {
            let started = DeviceLogin::new(device_server(), service).start().await;
            described(started.map(|pending| {
                json!({
                    "url": pending.url(),
                    "user_code": pending.user_code(),
                    "expires_in": pending.expires_in().as_secs_f64(),
                })
            }))
        },
    );
}

/// The first poll gets the response, and a second one a token.
#[test]
fn device_logins_wait_for_the_user() {
    check(
        &cases("oauth-device-token"),
        Cut::Complete,
        async |service: BoxService, _: &Case| {
            let requests = Arc::new(Mutex::new(0));
            let counted = Arc::clone(&requests);
            let server = tower::service_fn(move |request: Request<Body>| {
                let number = {
                    let mut number = counted.lock().unwrap();
                    *number += 1;
                    *number
                };
                let service = service.clone();
                async move {
                    match number {
                        1 => Ok(respond(&json!({
                            "device_code": "d1",
                            "user_code": "WIND-KITE",
                            "verification_uri": "https://id.example/device",
                        }))),
                        2 => service.send(request).await,
                        _ => Ok::<_, Error>(respond(&json!({
                            "access_token": "t9", "token_type": "bearer",
                        }))),
                    }
                }
            });
            let login = DeviceLogin::new(device_server(), server);
            let outcome = async { login.start().await?.wait().await };
            described(outcome.await.map(|found| {
                let mut found = tokens(&found);
                found["polls"] = (*requests.lock().unwrap() - 1).into();
                found
            }))
        },
    );
}

#[test]
fn endpoints_are_discovered() {
    check(
        &cases("oauth-discovery"),
        Cut::Complete,
        async |service: BoxService, _: &Case| {
            let used = Arc::new(Mutex::new(json!({})));
            let noted = Arc::clone(&used);
            let server = tower::service_fn(move |request: Request<Body>| {
                let (noted, service) = (Arc::clone(&noted), service.clone());
                async move {
                    if request.method() == Method::GET {
                        return service.send(request).await;
                    }
                    let in_header = request.headers().contains_key("authorization");
                    *noted.lock().unwrap() = json!({
                        "token_endpoint": request.uri().to_string(),
                        "secret_in": if in_header { "header" } else { "body" },
                    });
                    Ok::<_, Error>(respond(
                        &json!({"access_token": "t", "token_type": "bearer"}),
                    ))
                }
            });
            let read = async {
                let found = AuthorizationServer::discover("https://id.example", &server).await?;
                let credentials = Credentials::client_credentials("id", "secret")?;
                Authenticator::with_server(&credentials, &found, server)
                    .header()
                    .await
            };
            described(read.await.map(|_| used.lock().unwrap().clone()))
        },
    );
}
