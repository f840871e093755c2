//! Servers that repeat the credential of a request, and requests that carry more than they should.
//!
//! Every outcome of the table is searched for the credential; here it is in what the server sends.

use std::time::Duration;

use blaxel_core::{Body, Error};
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_tests::{API_KEY, API_KEY_BASE64};
use blaxel_transport::Client;
use serde_json::json;

use crate::clients::{answered, list, reply};
use crate::table::{Attack, Log, Outcome, on_paused_clock};

const NOW: Duration = Duration::ZERO;

/// Returns an attack by a server that answers every request with this status and body, in which
/// `KEY` and `BASE64` stand for the credential.
fn echo(name: &'static str, status: u16, body: &'static str) -> Attack {
    let body = body
        .replace("KEY", API_KEY)
        .replace("BASE64", API_KEY_BASE64);
    Attack::new(
        name,
        on_paused_clock(move || async move {
            let respond = move |_| {
                let mut response = reply(status, body.clone());
                let key = API_KEY.parse().unwrap();
                response.headers_mut().insert("x-request-id", key);
                response
            };
            list(answered(respond)).await
        }),
    )
    .limit("no credential in an error", NOW)
}

/// Streams a chat from a server that sends this text in its events.
async fn chat(client: Client) -> Result<(), Error> {
    let chat = ChatRequest::new([Message::user("?")]);
    let mut stream = Inference::new(client).model("m").stream(&chat).await?;
    while stream.try_next().await?.is_some() {}
    Ok(())
}

/// Returns an attack by a user's request, which the transport records instead of sending it.
fn request(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    query: &'static [(&'static str, &'static str)],
) -> Attack {
    Attack::new(
        name,
        on_paused_clock(move || async move {
            let sent = Log::default();
            let log = sent.clone();
            let client = answered(move |request: http::Request<Body>| {
                log.add(request.uri().query().unwrap_or_default());
                reply(200, "{}")
            });
            let mut call = Inference::new(client).agent("a").post(&json!({"a": 1}));
            for (name, value) in headers {
                call = call.header(*name, *value);
            }
            for (name, value) in query {
                call = call.query(*name, *value);
            }
            match call.send().await {
                Ok(_) => format!("sent ?{}", sent.entries().join(" ")).into(),
                Err(error) => Outcome::of_error(&error),
            }
        }),
    )
    .limit("form of a request", NOW)
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        echo(
            "a refusal that repeats the credential",
            401,
            r#"{"error":"no KEY","code":"KEY","got":["Bearer KEY"]}"#,
        )
        .outcome(&["status 401, responded, 1 attempt"]),
        echo(
            "a refusal that repeats it in Base64",
            403,
            r#"{"error":{"message":"no BASE64","code":"x"}}"#,
        )
        .outcome(&["status 403, responded, 1 attempt"]),
        echo(
            "a page that repeats the credential",
            502,
            "<title>KEY</title>",
        )
        .outcome(&["status 502, responded, 1 attempt"]),
        echo(
            "a text where an object is expected",
            200,
            r#"[{"metadata":"KEY"}]"#,
        )
        .outcome(&["decode, responded, 1 attempt"]),
        echo(
            "an unknown kind of value",
            200,
            r#"[{"metadata":{"name":{"KEY":"KEY"}}}]"#,
        )
        .outcome(&["decode, responded, 1 attempt"]),
        echo("no JSON but the credential", 200, "KEY").outcome(&["decode, responded, 1 attempt"]),
        Attack::new(
            "an event that repeats the credential",
            on_paused_clock(|| async {
                let respond = |_| {
                    let event = format!("data: {{\"error\":{{\"message\":\"{API_KEY}\"}}}}\n\n");
                    let mut response = reply(200, event);
                    let kind = "text/event-stream".parse().unwrap();
                    response.headers_mut().insert("content-type", kind);
                    response
                };
                Outcome::of(chat(answered(respond)).await)
            }),
        )
        .limit("no credential in an error", NOW)
        .outcome(&["status 200, responded, maybe applied, 1 attempt"]),
        request(
            "the name of a parameter with & and #",
            &[],
            &[("a&admin=true", "1"), ("b#c", "2")],
        )
        .outcome(&["sent ?a%26admin%3Dtrue=1&b%23c=2"]),
        request(
            "a caller's content-length of 3",
            &[("content-length", "3")],
            &[],
        )
        .outcome(&["input, not sent, 0 attempts"]),
        request(
            "a caller's transfer-encoding",
            &[("transfer-encoding", "chunked")],
            &[],
        )
        .outcome(&["input, not sent, 0 attempts"]),
        request("a header with a line end", &[("x-a", "b\r\nx-c: d")], &[])
            .outcome(&["input, not sent, 0 attempts"]),
    ]
}
