//! The guarantees of streams: exact to the byte however they are split, never silently truncated, read only
//! on demand, and released when they are dropped.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::support::{Step, chunk, chunks, script, scripted, typed};
use blaxel_core::{Body, Error};
use blaxel_inference::{
    ChatRequest, ChatStream, Chunk, Decode, Decoded, EventStream, Format, Inference, JsonStream,
    LineStream, Message, TextStream, lines, sse,
};
use futures_core::Stream;
use serde_json::Value;

const CHAT: &str = "\u{feff}: hello\r\n\r\ndata: {\"id\":\"c\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
    event: message\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"Grüße 🦀\"}}]}\r\n\r\n: keepalive\n\n\
    data:{\"choices\":[{\"delta\":\ndata: {\"content\":\"!\"},\"finish_reason\":\"stop\"}]}\r\r\
    data: {\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\ndata: [DONE]";
const LINES: &str = "{\"a\":\"ü\"}\r\n\n[1,2]\n\r\n\"🦀\"\n3";

/// Returns all items of a stream, with errors as text.
async fn all<D: Decode + Unpin, T>(
    mut stream: Decoded<D>,
    item: impl Fn(D::Item) -> T,
) -> Vec<Result<T, String>> {
    let mut found = Vec::new();
    while let Some(next) = stream.try_next().await.transpose() {
        found.push(next.map(&item).map_err(|error| error.to_string()));
    }
    found
}

async fn chat(body: Body) -> Vec<Result<String, String>> {
    let mut stream = ChatStream::new(body);
    let mut found = Vec::new();
    while let Some(chunk) = stream.try_next().await.transpose() {
        let shown = chunk.map(|chunk| format!("{chunk:?} {}", chunk.raw()));
        found.push(shown.map_err(|error| error.to_string()));
    }
    found
}

/// Calls a reader with a stream that is whole, split into bytes, and split in two at every byte, and
/// asserts that the result is the same each time.
async fn at_every_byte<T, F>(stream: &str, read: impl Fn(Body) -> F) -> T
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = T>,
{
    let stream = stream.as_bytes();
    let whole = read(chunks([stream])).await;
    assert_eq!(read(chunks(stream.chunks(1))).await, whole);
    for at in 0..=stream.len() {
        let (first, second) = stream.split_at(at);
        assert_eq!(read(chunks([first, second])).await, whole, "split at {at}");
    }
    whole
}

#[tokio::test]
async fn a_chat_is_the_same_however_it_is_split() {
    let chat_chunks = at_every_byte(CHAT, chat).await;
    assert_eq!(chat_chunks.len(), 4);
    assert!(chat_chunks.iter().all(Result::is_ok), "{chat_chunks:?}");
    let whole = ChatStream::new(chunks([CHAT.as_bytes()]))
        .into_completion()
        .await
        .unwrap();
    assert_eq!(whole.text(), Some("Grüße 🦀!"));
    assert_eq!(whole.usage.unwrap().total_tokens, 7);
}

#[tokio::test]
async fn events_lines_values_and_text_are_the_same_however_they_are_split() {
    let data = |event: sse::Event| event.data().to_owned();
    let events = at_every_byte(CHAT, |body| all(EventStream::new(body), data)).await;
    assert_eq!(events.len(), 5);
    let values = |body| all(JsonStream::<Value>::new(body), |value| value);
    assert_eq!(at_every_byte(LINES, values).await.len(), 4);
    let text = |line: blaxel_inference::Text| line.to_string();
    let lines = at_every_byte(LINES, |body| all(LineStream::new(body), text)).await;
    assert_eq!(lines[0].as_deref(), Ok("{\"a\":\"ü\"}"));
    assert_eq!(lines.len(), 6);
    let joined = async |body| {
        let texts = all(TextStream::new(body), text).await;
        texts.into_iter().collect::<Result<String, _>>()
    };
    assert_eq!(at_every_byte(LINES, joined).await.as_deref(), Ok(LINES));
}

#[tokio::test]
async fn each_format_is_the_same_however_it_is_split() {
    for (content_type, stream, format, count) in [
        (
            "text/event-stream; charset=utf-8",
            CHAT,
            Format::Events,
            Some(5),
        ),
        ("application/x-ndjson", LINES, Format::JsonLines, Some(4)),
        ("Text/Plain", LINES, Format::Text, None),
        ("application/octet-stream", LINES, Format::Bytes, None),
        ("", LINES, Format::Bytes, None),
    ] {
        assert_eq!(Format::of(content_type), format);
        let read = async |body| {
            let decoded = Decoded::with_decoder(body, format.decoder());
            let chunks = all(decoded, |chunk: Chunk| chunk.as_bytes().to_vec()).await;
            let chunks: Vec<Vec<u8>> = chunks.into_iter().map(Result::unwrap).collect();
            match count {
                Some(count) => {
                    assert_eq!(chunks.len(), count);
                    chunks
                }
                // The boundaries of these chunks have no meaning.
                None => vec![chunks.concat()],
            }
        };
        at_every_byte(stream, read).await;
    }
}

/// A broken connection is not taken for the end, and an incomplete item is not returned.
#[tokio::test]
async fn a_broken_connection_is_an_error_after_the_received_items() {
    let (body, _) = script([chunk("data: a\n\ndata: b"), Step::Fail, chunk("\n\n")]);
    let mut events = EventStream::new(body);
    assert_eq!(events.try_next().await.unwrap().unwrap().data(), "a");
    let error = events.try_next().await.unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Transport, "{error}");
    assert!(events.try_next().await.unwrap().is_none());

    let (body, _) = script([chunk("one\ntwo"), Step::Fail]);
    let lines = all(LineStream::new(body), |line| line.to_string()).await;
    assert_eq!((lines.len(), &lines[0]), (2, &Ok("one".to_owned())));
    assert!(lines[1].is_err());
}

#[tokio::test]
async fn a_stream_without_its_end_mark_is_truncated() {
    let until = |body| {
        let lines = LineStream::new(body);
        lines.until("`end`", |line| line.as_str() == "end")
    };
    let (body, watch) = script([chunk("a\nend\nlate\n"), Step::Hang]);
    let mut lines = until(body);
    assert_eq!(lines.try_next().await.unwrap().unwrap(), "a");
    assert!(lines.try_next().await.unwrap().is_none());
    assert!(watch.is_dropped(), "nothing after the mark is waited for");

    for stream in ["a\n", "a\nen", ""] {
        let mut lines = until(chunks([stream.as_bytes()]));
        let error = loop {
            match lines.try_next().await {
                Ok(line) => assert!(line.is_some(), "truncation is an error, not an end"),
                Err(error) => break error,
            }
        };
        assert!(
            error.is_truncated() && error.to_string().contains("`end`"),
            "{error}"
        );
        assert!(lines.try_next().await.unwrap().is_none());
    }
}

/// A slow reader slows down the sender: nothing is read ahead.
#[tokio::test]
async fn nothing_is_read_before_it_is_requested() {
    let (body, watch) = script((0..100).map(|number| chunk(format!("data: {number}\n\n"))));
    let mut events = EventStream::new(body);
    assert_eq!(watch.taken(), 0);
    for requested in 1..=50 {
        events.try_next().await.unwrap().unwrap();
        assert_eq!(watch.taken(), requested);
    }
}

#[tokio::test]
async fn dropping_a_stream_drops_its_body_at_once() {
    let (body, watch) = script([chunk("data: a\n\n"), Step::Hang]);
    let mut stream = EventStream::new(body);
    stream.try_next().await.unwrap().unwrap();
    assert!(!watch.is_dropped());
    drop(stream);
    assert!(watch.is_dropped());
}

/// Timeouts and `select!` drop pending futures.
#[tokio::test]
async fn dropping_a_pending_future_loses_no_item() {
    let cut = CHAT.as_bytes().chunks(3);
    let steps = cut.flat_map(|part| [Step::Wait, chunk(part.to_vec()), Step::Trailers]);
    let (body, _) = script(steps);
    let mut stream = ChatStream::new(body);
    let mut text = String::new();
    loop {
        let polled = {
            let next = pin!(stream.try_next());
            next.poll(&mut Context::from_waker(Waker::noop()))
        };
        match polled {
            Poll::Pending => {}
            Poll::Ready(chunk) => match chunk.unwrap() {
                Some(chunk) => text.push_str(chunk.text()),
                None => break,
            },
        }
    }
    assert_eq!(text, "Grüße 🦀!");
}

/// A sender that never ends its line or event runs into the limit, and the body is dropped.
#[tokio::test]
async fn an_endless_item_ends_at_the_limit() {
    let endless = || script((0..1000).map(|_| chunk("data: xxxxxxxxxx")));
    let (body, watch) = endless();
    let mut events = Decoded::with_decoder(body, sse::Decoder::with_limit(1024));
    let error = events.try_next().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("1024"),
        "{error}"
    );
    assert!(watch.is_dropped() && watch.taken() < 100);

    let (body, watch) = endless();
    let mut lines = Decoded::with_decoder(body, lines::Decoder::with_limit(1024));
    assert!(lines.try_next().await.unwrap_err().is_decode());
    assert!(watch.is_dropped() && watch.taken() < 100);
}

/// An answer in a single event may be as large as one that is not streamed.
#[tokio::test]
async fn an_event_of_ten_mebibytes_is_read() {
    let text = "x".repeat(10 * 1024 * 1024);
    let stream = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\ndata: [DONE]\n\n"
    );
    let whole = ChatStream::new(chunks(stream.as_bytes().chunks(16 * 1024)));
    assert_eq!(
        whole.into_completion().await.unwrap().text().map(str::len),
        Some(text.len())
    );
}

/// Users look up a failure by its request id, which is in the response headers of a stream.
#[tokio::test]
async fn an_error_midway_has_the_operation_and_the_request_id() {
    let (service, _) = scripted(|_| typed("text/event-stream", "data: nonsense\n\n"));
    let model = Inference::new(service).model("m");
    let question = ChatRequest::new([Message::user("?")]);
    let mut stream = model.stream(&question).await.unwrap();
    let error: Error = stream.try_next().await.unwrap_err();
    assert_eq!(error.operation().unwrap().name(), "StreamChatCompletion");
    assert_eq!(error.request_id(), Some("r-1"));
    assert_eq!(error.status().unwrap(), 200);
}

/// Both interfaces return the same items and the same end.
#[tokio::test]
async fn a_stream_implements_the_stream_trait() {
    async fn by_polls<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
        let mut found = Vec::new();
        while let Some(item) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            found.push(item);
        }
        let after = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await;
        assert!(after.is_none(), "the end is final");
        found
    }

    let chunks = || ChatStream::new(chunks([CHAT.as_bytes()]));
    let polled: Result<Vec<_>, Error> = by_polls(chunks()).await.into_iter().collect();
    let mut awaited = Vec::new();
    let mut stream = chunks();
    while let Some(chunk) = stream.try_next().await.unwrap() {
        awaited.push(chunk);
    }
    assert_eq!(polled.unwrap(), awaited);

    let cut = || LineStream::new(Body::from("a\nb")).until("c", |line| line == "c");
    let polled = by_polls(cut()).await;
    assert_eq!(polled.len(), 3);
    assert!(polled[2].as_ref().is_err_and(Error::is_truncated));
}

#[test]
fn streams_are_send() {
    fn sendable<T: Send>() {}
    sendable::<ChatStream>();
    sendable::<EventStream>();
    sendable::<JsonStream<Value>>();
}
