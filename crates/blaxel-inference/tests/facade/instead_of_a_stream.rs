//! Bodies that are no stream, in response to a request for one: errors, pages, whole answers, compressed bodies
//! and text in other charsets. None of them is an empty stream.

use super::support::{Step, chunk, script, scripted, typed};
use blaxel_core::{Body, Error, ErrorKind, HttpService};
use blaxel_inference::{
    AgentCall, ChatRequest, ChatStream, EventStream, Inference, Message, ModelCall, Text, sse,
};
use bytes::Bytes;
use serde_json::{Value, json};

const COMPLETION: &str = r#"{"id": "c-1", "object": "chat.completion", "choices": [{"index": 0,
    "message": {"role": "assistant", "content": "Hello", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}]},
    "finish_reason": "stop"}], "usage": {"total_tokens": 7}}"#;

/// Returns an agent and a model that respond with this content type, and this body.
fn workloads(
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> (AgentCall<impl HttpService>, ModelCall<impl HttpService>) {
    let body = body.into();
    let (service, _) = scripted(move |_| {
        let mut response = typed(content_type, body.clone());
        if content_type.is_empty() {
            response.headers_mut().remove("content-type");
        }
        response
    });
    let inference = Inference::new(service);
    (inference.agent("a"), inference.model("m"))
}

async fn agent_events(agent: &AgentCall<impl HttpService>) -> Result<Vec<String>, Error> {
    let mut events = agent.post(&1).events().await?;
    let mut found = Vec::new();
    while let Some(event) = events.try_next().await? {
        found.push(event.data().to_owned());
    }
    assert!(events.try_next().await?.is_none());
    Ok(found)
}

async fn model_text(model: &ModelCall<impl HttpService>) -> Result<String, Error> {
    let mut answer = model
        .stream(&ChatRequest::new([Message::user("?")]))
        .await?;
    let mut text = String::new();
    while let Some(chunk) = answer.try_next().await? {
        text.push_str(chunk.text());
    }
    Ok(text)
}

#[tokio::test]
async fn a_body_that_is_no_stream_is_an_error_with_its_message() {
    let error = r#"{"error": {"message": "busy now", "code": "OVERLOADED"}}"#;
    let long = format!(
        "{{\n\"error\": {{\"message\": \"busy now\",\n{} }}}}",
        "\"x\": 1,\n".repeat(99) + "\"y\": 2"
    );
    let page = "<!doctype html>\n<html><title>busy now</title>\n<script>\ndata: 1\n\ndata: 2\n\n</script></html>";
    let json = "application/json";
    for (content_type, body, kind) in [
        (json, error, ErrorKind::Failed),
        ("Application/JSON; charset=utf-8", error, ErrorKind::Failed),
        (
            "application/problem+json",
            r#"{"message": "busy now"}"#,
            ErrorKind::Decode,
        ),
        (
            json,
            r#"[{"error": {"message": "busy now"}}]"#,
            ErrorKind::Failed,
        ),
        (json, &long, ErrorKind::Failed),
        (json, r#"{"output": "busy now"}"#, ErrorKind::Decode),
        (json, "\u{feff}\"busy now\"", ErrorKind::Decode),
        (
            json,
            &format!("{}{error}", " \n".repeat(50_000)),
            ErrorKind::Failed,
        ),
        ("TEXT/HTML; Charset=UTF-8", page, ErrorKind::Decode),
        ("text/plain", "busy now, come back", ErrorKind::Decode),
        ("application/octet-stream", "busy now", ErrorKind::Decode),
        ("text/event-stream", error, ErrorKind::Failed),
        ("", "busy now", ErrorKind::Decode),
        ("", error, ErrorKind::Failed),
    ] {
        let (agent, model) = workloads(content_type, body.to_owned());
        let operations = ["StreamAgent", "StreamChatCompletion"];
        let errors = [
            agent_events(&agent).await.unwrap_err(),
            model_text(&model).await.unwrap_err(),
        ];
        for (error, operation) in errors.iter().zip(operations) {
            let text = error.to_string();
            assert_eq!(error.kind(), kind, "{content_type}: {text}");
            assert!(
                text.starts_with(operation) && text.contains("busy now"),
                "{text}"
            );
            assert_eq!(error.status().unwrap(), 200);
            assert_eq!(error.request_id(), Some("r-1"));
            assert_eq!(error.is_transient(), text.contains("OVERLOADED"), "{text}");
        }
    }
}

#[tokio::test]
async fn events_are_a_stream_whatever_the_content_type() {
    for content_type in [
        "text/event-stream",
        "TEXT/Event-Stream; charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "application/json",
        "text/html",
        "",
    ] {
        for start in [
            "",
            ": hi\n\n",
            "retry: 5\n",
            "\u{feff}\n\nevent: a\n",
            "x-own: 1\n",
        ] {
            let (agent, _) = workloads(content_type, format!("{start}data: 1\n\ndata: 2\n\n"));
            let found = agent_events(&agent).await;
            if start.starts_with('x') && matches!(content_type, "application/json" | "text/html") {
                assert!(found.is_err());
                continue;
            }
            assert_eq!(found.unwrap(), ["1", "2"], "{content_type} {start}");
        }
    }
}

#[tokio::test]
async fn an_empty_stream_is_empty() {
    for body in [
        "",
        "\n\n",
        ": keepalive\n\n",
        "retry: 1000\n\n",
        "event: done\n\n",
        "id",
    ] {
        for content_type in ["text/event-stream", ""] {
            let (agent, model) = workloads(content_type, body);
            assert_eq!(agent_events(&agent).await.unwrap(), [""; 0], "{body}");
            assert!(model_text(&model).await.unwrap_err().is_truncated());
        }
    }
}

/// The start of a body is bounded, and its end is not waited for.
#[tokio::test]
async fn a_long_body_is_read_only_to_its_start() {
    let endless = || {
        let line = chunk("nothing that is an event\n".repeat(100));
        let lines = std::iter::once(line).chain((0..1000).map(|_| chunk("x\n".repeat(1000))));
        script(lines.chain([Step::Fail]))
    };
    let (body, _) = endless();
    let error = EventStream::new(body).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");

    let page = format!("<title>No</title>\ndata: 1\n\n{}", "x\n".repeat(50_000));
    let steps = [chunk(page), Step::Hang];
    let (body, watch) = script(steps);
    let (service, _) = {
        let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
        scripted(move |_| typed("text/html", body.lock().unwrap().take().unwrap()))
    };
    let error = agent_events(&Inference::new(service).agent("a"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().len() < 500 && error.to_string().contains("\"No\""),
        "{error}"
    );
    assert!(watch.is_dropped());
}

#[tokio::test]
async fn a_whole_answer_is_one_chunk() {
    for content_type in ["application/json", "text/plain", ""] {
        let (_, model) = workloads(content_type, COMPLETION);
        let request = ChatRequest::new([Message::user("?")]);
        let mut answer = model.stream(&request).await.unwrap();
        let chunk = answer.try_next().await.unwrap().unwrap();
        assert_eq!(chunk.text(), "Hello");
        assert_eq!(answer.usage().unwrap().total_tokens, 7);
        assert!(answer.try_next().await.unwrap().is_none());

        let whole = model
            .stream(&request)
            .await
            .unwrap()
            .into_completion()
            .await
            .unwrap();
        assert_eq!(
            (whole.text(), whole.id.as_deref()),
            (Some("Hello"), Some("c-1"))
        );
        let calls: Vec<_> = whole
            .tool_calls()
            .iter()
            .map(|call| call.function.name.as_str())
            .collect();
        assert_eq!(calls, ["f", "g"]);
    }
    // An agent may send anything, so nothing is known about the parts of its answer.
    let (agent, _) = workloads("application/json", COMPLETION);
    assert!(agent_events(&agent).await.unwrap_err().is_decode());
    let (_, model) = workloads("application/json", r#"{"choices": []}"#);
    assert!(model_text(&model).await.unwrap_err().is_decode());
}

/// A large answer is converted too, and so is one that arrives byte by byte.
#[tokio::test]
async fn a_whole_answer_may_be_large() {
    let text = "x".repeat(1 << 20);
    let body = COMPLETION.replace("Hello", &text);
    let (_, model) = workloads("application/json", body);
    assert_eq!(model_text(&model).await.unwrap(), text);
}

#[tokio::test]
async fn json_lines_are_checked_too() {
    let values = async |content_type, body: &'static str| {
        let (agent, _) = workloads(content_type, body);
        let mut values = agent.post(&1).json_lines::<Value>().await?;
        let mut found = Vec::new();
        while let Some(value) = values.try_next().await? {
            found.push(value);
        }
        Ok::<_, Error>(found)
    };
    let failed = async |content_type, body| values(content_type, body).await.unwrap_err();
    for body in [
        "{\"error\": \"busy\"}",
        "{\n  \"error\": {\"message\": \"busy\"}\n}\n",
    ] {
        let error = failed("application/json", body).await;
        assert!(
            error.is_failed() && error.to_string().contains("busy"),
            "{error}"
        );
    }
    for (content_type, body) in [
        ("text/html", "<html>\n<title>busy</title></html>"),
        ("text/plain", "busy"),
        ("application/x-ndjson", "busy\n1"),
    ] {
        let error = failed(content_type, body).await;
        assert!(
            error.is_decode() && error.to_string().contains("busy"),
            "{error}"
        );
    }
    for content_type in ["application/x-ndjson", "application/json", ""] {
        assert_eq!(
            values(content_type, "1\n{\"a\": 2}").await.unwrap(),
            [json!(1), json!({"a": 2})]
        );
    }
    let own = "{\"error\": \"in a line of mine\"}\n2";
    assert_eq!(values("application/x-ndjson", own).await.unwrap().len(), 2);
    assert!(
        failed("application/x-ndjson", "{\"a\": ")
            .await
            .is_truncated()
    );
}

#[tokio::test]
async fn a_compressed_body_is_named_unless_its_bytes_are_read() {
    for coding in ["br", "zstd", "deflate", "gzip", "GZIP", "compress"] {
        let (service, _) = scripted(move |_| {
            let mut response = typed("text/event-stream", vec![0x1f, 0x8b, 0x0a, 0x0a]);
            let headers = response.headers_mut();
            headers.insert("content-encoding", coding.parse().unwrap());
            response
        });
        let inference = Inference::new(service);
        let (agent, model) = (inference.agent("a"), inference.model("m"));
        let send = async || agent.post(&1).send().await.unwrap();
        let open = async || agent.post(&1).open().await.unwrap();
        let question = ChatRequest::new([Message::user("?")]);
        for error in [
            send().await.text().await.unwrap_err(),
            send().await.json::<Value>().await.unwrap_err(),
            agent_events(&agent).await.unwrap_err(),
            open().await.lines().try_next().await.unwrap_err(),
            open().await.texts().try_next().await.unwrap_err(),
            open().await.chunks().try_next().await.unwrap_err(),
            open()
                .await
                .json_lines::<Value>()
                .try_next()
                .await
                .unwrap_err(),
            open()
                .await
                .decoded(sse::Decoder::new())
                .try_next()
                .await
                .unwrap_err(),
            model_text(&model).await.unwrap_err(),
            model.chat(&question).await.unwrap_err(),
        ] {
            let name = format!("compressed with `{}`", coding.to_ascii_lowercase());
            assert!(
                error.is_decode() && error.to_string().contains(&name),
                "{error}"
            );
            assert_eq!(error.request_id(), Some("r-1"));
        }
        assert_eq!(
            &*send().await.bytes().await.unwrap(),
            [0x1f, 0x8b, 0x0a, 0x0a]
        );
        let raw = open().await.into_body().chunk().await.unwrap().unwrap();
        assert_eq!(raw.len(), 4);
    }
}

#[tokio::test]
async fn a_coding_of_an_empty_body_does_not_matter() {
    let (service, _) = scripted(|_| {
        let mut response = typed("text/plain", "");
        let headers = response.headers_mut();
        headers.insert("content-encoding", "br".parse().unwrap());
        response
    });
    let agent = Inference::new(service).agent("a");
    assert_eq!(
        agent.post(&1).send().await.unwrap().text().await.unwrap(),
        ""
    );
    assert!(agent_events(&agent).await.unwrap().is_empty());
}

#[tokio::test]
async fn text_in_latin1_is_converted_and_other_charsets_are_named() {
    let latin1 =
        |kind| -> &'static str { Box::leak(format!("{kind}; charset=\"ISO-8859-1\"").into()) };
    let (agent, _) = workloads(latin1("text/plain"), &b"caf\xe9\n\"\xfc\""[..]);
    let open = async || agent.post(&1).open().await.unwrap();
    let text = agent.post(&1).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "café\n\"ü\"");
    assert_eq!(
        open().await.lines().try_next().await.unwrap().unwrap(),
        "café"
    );
    let texts = open().await.texts().try_next().await.unwrap();
    assert_eq!(texts.as_ref().map(Text::as_str), Some(text.as_str()));
    let chunk = open().await.chunks().try_next().await.unwrap().unwrap();
    assert_eq!(chunk.as_str(), Some(text.as_str()));
    let (agent, _) = workloads(latin1("text/event-stream"), &b"data: \xe9\n\n"[..]);
    assert_eq!(agent_events(&agent).await.unwrap(), ["é"]);
    let (agent, _) = workloads(latin1("application/x-ndjson"), &b"\"\xe9\"\n"[..]);
    let mut values = agent.post(&1).json_lines::<String>().await.unwrap();
    assert_eq!(values.try_next().await.unwrap().unwrap(), "é");
    let (agent, _) = workloads(latin1("application/json"), &b"\"\xe9\"\n"[..]);
    assert_eq!(agent.invoke::<String>(&1).await.unwrap(), "é");
    // The bytes of other types are returned as they are.
    let (agent, _) = workloads(latin1("application/zip"), &b"\xe9"[..]);
    let mut chunks = agent.post(&1).chunks().await.unwrap();
    assert_eq!(
        chunks.try_next().await.unwrap().unwrap().as_bytes(),
        b"\xe9"
    );

    for (content_type, body) in [
        ("text/plain; charset=utf-16", &b"\xff\xfeh\x00i\x00"[..]),
        ("text/plain; charset=UTF-16", b"h\x00i\x00"),
        ("text/plain; charset=utf-16le; x=y", b"hi"),
        ("text/event-stream; charset=utf-16", b"\xff\xfed\x00"),
        ("text/plain; charset=Shift_JIS", b"\x83\x65"),
    ] {
        let (agent, _) = workloads(content_type, body);
        let name = content_type.split(['=', ';']).nth(2).unwrap();
        let open = async || agent.post(&1).open().await.unwrap();
        for error in [
            agent
                .post(&1)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap_err(),
            agent.invoke::<Value>(&1).await.unwrap_err(),
            agent_events(&agent).await.unwrap_err(),
            open().await.lines().try_next().await.unwrap_err(),
            open().await.texts().try_next().await.unwrap_err(),
            open()
                .await
                .json_lines::<Value>()
                .try_next()
                .await
                .unwrap_err(),
            open().await.chunks().try_next().await.unwrap_err(),
        ] {
            let named = format!("the charset `{name}`");
            assert!(
                error.is_decode() && error.to_string().contains(&named),
                "{error}"
            );
            assert_eq!(error.request_id(), Some("r-1"));
        }
    }
}

/// Streams without a response have no content type, and the same rules.
#[tokio::test]
async fn a_stream_of_a_bare_body_is_checked_too() {
    let error = EventStream::new(Body::from("oh no"))
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the response is not the expected stream: oh no"
    );
    let error = ChatStream::new(Body::from("{\"error\": \"oh no\"}"))
        .try_next()
        .await;
    assert!(error.unwrap_err().to_string().contains("oh no"));
}
