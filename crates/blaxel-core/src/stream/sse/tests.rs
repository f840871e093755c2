use proptest::prelude::*;

use super::*;
use crate::stream::split::{BYTE_ORDER_MARK, work};

/// Adds each chunk, reads all events after each, and finishes.
fn decode_chunks<'a>(
    mut decoder: Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Result<Event, DecodeError>> {
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

fn decode(stream: impl AsRef<[u8]>) -> Vec<Result<Event, DecodeError>> {
    decode_chunks(Decoder::new(), [stream.as_ref()])
}

/// Returns the data of every event of a stream without errors.
fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    decode(stream)
        .into_iter()
        .map(|event| event.unwrap().data().to_owned())
        .collect()
}

fn only_event(stream: impl AsRef<[u8]>) -> Event {
    let [event] = decode(stream).try_into().expect("one event");
    event.unwrap()
}

fn event(data: &str) -> Event {
    Event {
        name: None,
        data: data.into(),
        id: None,
        retry: None,
    }
}

#[test]
fn every_kind_of_line_end_ends_a_line() {
    for stream in [
        "data: a\n\ndata: b\n\n",
        "data: a\r\rdata: b\r\r",
        "data: a\r\n\r\ndata: b\r\n\r\n",
    ] {
        assert_eq!(data(stream), ["a", "b"], "{stream:?}");
    }
}

#[test]
fn a_line_end_split_between_chunks_is_one_line_end() {
    let chunks: [&[u8]; 3] = [b"data: a\r", b"\ndata: b\r", b"\n\r\n"];
    assert_eq!(decode_chunks(Decoder::new(), chunks), [Ok(event("a\nb"))]);
}

#[test]
fn an_event_that_ends_in_cr_does_not_wait_for_more() {
    let mut decoder = Decoder::new();
    decoder.push("data: a\r\r".into());
    assert_eq!(decoder.next_event(), Some(Ok(event("a"))));

    decoder.push("\ndata: b\n\n".into());
    assert_eq!(decoder.next_event(), Some(Ok(event("b"))));
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    let mark = "\u{feff}";
    assert_eq!(data(format!("{mark}data: a\n\n")), ["a"]);
    assert_eq!(data(format!("{mark}data: a")), ["a"]);
    assert_eq!(data(format!("{mark}{mark}data: a\n\n")), [""; 0]);
    assert_eq!(data(format!("data: a\n\n{mark}data: b\n\n")), ["a"]);
    assert_eq!(data(format!("data: {mark}a\n\n")), [format!("{mark}a")]);
}

#[test]
fn all_fields_are_read() {
    let event = only_event("event: delta\ndata: a\nid: 7\nretry: 1500\n\n");
    assert_eq!(event.name(), "delta");
    assert_eq!(event.data(), "a");
    assert_eq!(event.id(), Some("7"));
    assert_eq!(event.retry(), Some(Duration::from_millis(1500)));
    assert_eq!(event.into_data(), "a");
}

#[test]
fn an_event_without_optional_fields_is_a_plain_message() {
    for stream in [
        "data: a\n\n",
        "event\ndata: a\n\n",
        "event: x\nevent:\ndata: a\n\n",
    ] {
        assert_eq!(only_event(stream), event("a"), "{stream:?}");
        assert_eq!(only_event(stream).name(), "message");
    }
}

#[test]
fn fields_do_not_apply_to_the_next_event() {
    let events = decode("event: x\nid: 1\nretry: 1\ndata: a\n\ndata: b\n\n");
    assert_eq!(events[1], Ok(event("b")));
    assert_eq!(
        decode("event: x\nid: 1\nretry: 1\n\ndata: b\n\n"),
        [Ok(event("b"))]
    );
}

#[test]
fn one_space_after_the_colon_is_removed() {
    assert_eq!(
        data("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\n"),
        ["a", "a", " a", "\ta"]
    );
    assert_eq!(data("data: a: b \n\n"), ["a: b "]);
}

#[test]
fn data_lines_are_joined() {
    assert_eq!(data("data: a\ndata\ndata:\ndata: b\n\n"), ["a\n\n\nb"]);
}

#[test]
fn empty_data_is_an_event_and_no_data_is_none() {
    assert_eq!(data("data\n\ndata:\n\nid: 1\n\n\n\n"), ["", ""]);
}

#[test]
fn comments_and_unknown_fields_are_ignored() {
    assert_eq!(
        data(": hi\n:\ndata: a\n:data: b\nDATA: c\n data: d\ndatas: e\nx\n\n: bye\n\n"),
        ["a"]
    );
    assert_eq!(data(b": \xff\nx: \xff\ndata: a\n\n"), ["a"]);
}

/// Returns name and data of every event of a stream that may have bare JSON, however it is split.
fn with_bare_json(stream: &str) -> Vec<(String, String)> {
    let decoder = || Decoder::new().with_bare_json();
    let whole = decode_chunks(decoder(), [stream.as_bytes()]);
    assert_eq!(decode_chunks(decoder(), stream.as_bytes().chunks(1)), whole);
    let text = |event: Event| (event.name().to_owned(), event.data().to_owned());
    whole
        .into_iter()
        .map(|event| text(event.unwrap()))
        .collect()
}

#[test]
fn bare_json_is_an_event_only_on_request() {
    let stream = "data: a\n{\"b\":\n \"c\"}\ndata: d\n\n[1]\n: e\nid: 1\n\nevent: f\n{}";
    let message = |data: &str| ("message".to_owned(), data.to_owned());
    let expected = [
        message("a"),
        message("{\"b\":\n \"c\"}"),
        message("d"),
        message("[1]"),
        ("f".to_owned(), "{}".to_owned()),
    ];
    assert_eq!(with_bare_json(stream), expected);
    assert_eq!(data(stream), ["a\nd"]);
    assert_eq!(with_bare_json("data: a\n{}"), [message("a"), message("{}")]);
    assert_eq!(with_bare_json("plain\n\ntext: {}\n\n"), []);
}

#[test]
fn the_field_error_is_an_event_only_on_request() {
    for stream in [
        "error: {}\n\n",
        "error: {}",
        "data: a\n\nerror: {}\ndata: b",
    ] {
        let events = with_bare_json(stream);
        let (name, data) = events.last().unwrap();
        assert_eq!(name, "error");
        assert!(data.starts_with("{}"), "{stream}");
    }
    assert_eq!(data("error: {}\n\n"), Vec::<String>::new());
}

#[test]
fn bare_json_is_limited_like_an_event() {
    let decoder = Decoder::with_limit(16).with_bare_json();
    let line: &[u8] = b"{\"a\":\"bcd\",\n";
    let events = decode_chunks(decoder, [line, line, line]);
    assert_eq!(events, [Err(DecodeError::TooLarge { limit: 16 })]);
}

#[test]
fn an_id_with_nul_is_ignored() {
    assert_eq!(only_event("id: 1\nid: a\0b\ndata: a\n\n").id(), Some("1"));
    assert_eq!(only_event("id: 1\nid:\ndata: a\n\n").id(), Some(""));
}

#[test]
fn a_retry_that_is_not_a_plain_number_is_ignored() {
    for retry in [
        "",
        "+1",
        "-1",
        "1.5",
        "1s",
        " 1",
        "99999999999999999999",
        "١",
    ] {
        let stream = format!("retry: {retry}\ndata: a\n\n");
        assert_eq!(only_event(stream).retry(), None, "{retry:?}");
    }
}

#[test]
fn the_end_of_the_stream_ends_the_last_event() {
    for stream in [
        "data: a",
        "data: a\n",
        "data: a\r",
        "data: a\r\n",
        "data: a\n\n",
    ] {
        assert_eq!(data(stream), ["a"], "{stream:?}");
    }
    assert_eq!(data("data: a\n\nid: 1"), ["a"]);
    assert_eq!(data(""), [""; 0]);
}

#[test]
fn finish_returns_unread_events_first_and_then_none() {
    let mut decoder = Decoder::new();
    decoder.push("data: a\n\nda".into());
    decoder.push(Bytes::new());
    decoder.push("ta: b".into());
    assert_eq!(decoder.finish(), Some(Ok(event("a"))));
    assert_eq!(decoder.finish(), Some(Ok(event("b"))));
    assert_eq!(decoder.finish(), None);

    decoder.push("data: c\n\n".into());
    assert_eq!(decoder.next_event(), None);
    assert_eq!(decoder.finish(), None);
}

#[test]
fn a_character_may_be_split_between_chunks() {
    let stream = "data: é€🦀\n\n".as_bytes();
    assert_eq!(
        decode_chunks(Decoder::new(), stream.chunks(1)),
        [Ok(event("é€🦀"))]
    );
}

#[test]
fn invalid_utf8_is_an_error_that_ends_the_stream() {
    for field in ["data", "event", "id"] {
        let stream = [b"data: a\n\n", field.as_bytes(), b": \xff\n\ndata: b\n\n"].concat();
        let error = Err(DecodeError::NotUtf8);
        assert_eq!(decode(&stream), [Ok(event("a")), error.clone()]);
        assert_eq!(decode(b"data: \xff"), [error]);
    }
}

#[test]
fn an_event_of_the_maximum_size_is_accepted_and_a_larger_one_is_not() {
    let limited = |stream: &str| decode_chunks(Decoder::with_limit(10), [stream.as_bytes()]);
    for accepted in [
        "data: 1234\n\ndata: 5678\n\n",
        "data:1\ndata:2\ndata:3\n\n",
        "event:123\nid:1234\n\ndata:1\n\n",
        "data:1\n:2345678\n:2345678\n\n",
    ] {
        assert_eq!(limited(accepted), decode(accepted), "{accepted:?}");
    }
    for refused in [
        "data: 12345\n\n",
        "data:1\ndata:2\ndata:3\ndata:4\n\n",
        "event:123\nid:1234\ndata:1\n\n",
        ":2345678901",
    ] {
        assert_eq!(
            limited(refused),
            [Err(DecodeError::TooLarge { limit: 10 })],
            "{refused:?}"
        );
    }
}

#[test]
fn nothing_is_buffered_after_an_error() {
    let mut decoder = Decoder::with_limit(10);
    decoder.push("data: 12345\n\ndata: 1\n\n".into());
    assert_eq!(
        decoder.next_event(),
        Some(Err(DecodeError::TooLarge { limit: 10 }))
    );

    decoder.push("data: 1\n\n".into());
    assert_eq!(decoder.next_event(), None);
    assert_eq!(decoder.finish(), None);
    assert!(decoder.lines.chunks.is_empty());
    assert_eq!(decoder.lines.unfinished.capacity(), 0);
}

#[test]
fn an_endless_line_uses_no_more_memory_than_the_limit() {
    const LIMIT: usize = 100_000;
    let mut decoder = Decoder::with_limit(LIMIT);
    let mut pushed = 0;
    loop {
        decoder.push(Bytes::from_static(&[b'x'; 999]));
        pushed += 999;
        if let Some(outcome) = decoder.next_event() {
            assert_eq!(outcome, Err(DecodeError::TooLarge { limit: LIMIT }));
            break;
        }
        assert!(decoder.lines.unfinished.capacity() <= LIMIT);
    }
    assert!(pushed <= LIMIT + 999);
}

#[test]
fn endless_data_lines_use_no_more_memory_than_the_limit() {
    const LIMIT: usize = 100_000;
    let mut decoder = Decoder::with_limit(LIMIT);
    loop {
        decoder.push("data: some of the text\n".into());
        if let Some(outcome) = decoder.next_event() {
            assert_eq!(outcome, Err(DecodeError::TooLarge { limit: LIMIT }));
            break;
        }
        if let Some(Data::Joined(text)) = &decoder.event.data {
            assert!(text.capacity() <= LIMIT);
        }
    }
}

#[test]
fn one_line_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from("event: delta\ndata: some text\n\n");
    let mut decoder = Decoder::new();
    decoder.push(chunk.clone());
    let event = decoder.next_event().unwrap().unwrap();
    assert!(chunk.as_ptr_range().contains(&event.data().as_ptr()));
    assert!(chunk.as_ptr_range().contains(&event.name().as_ptr()));
}

#[test]
fn a_long_line_is_not_copied_again_when_it_is_complete() {
    let mut decoder = Decoder::new();
    decoder.push("data: some ".into());
    assert_eq!(decoder.next_event(), None);
    decoder.lines.unfinished.reserve(100);
    let start = decoder.lines.unfinished.as_ptr();
    decoder.push("text\n\n".into());
    let event = decoder.next_event().unwrap().unwrap();
    assert_eq!(event.data(), "some text");
    assert_eq!(event.data().as_ptr(), start.wrapping_add("data: ".len()));
}

/// The maximum number of times that a byte is read or copied: search it for line ends, keep it, search it
/// for the colon, check it, join it, and, for each of the two buffers, move it at most once on average
/// as the capacity doubles. In a quadratic decoder this number grows with the event.
const WORK_PER_BYTE: usize = 7;

fn work_per_byte(stream: &[u8], chunk_size: usize) -> usize {
    work::take();
    let events = decode_chunks(Decoder::new(), stream.chunks(chunk_size));
    assert_eq!(events.len(), 1);
    assert!(events[0].is_ok());
    work::take().div_ceil(stream.len())
}

#[test]
fn the_work_is_proportional_to_the_event() {
    const SIZE: usize = 256 * 1024;
    let one_line = format!("data: {}\n\n", "x".repeat(SIZE));
    let many_lines = format!("{}\n", "data: x\n".repeat(SIZE / 8));
    let many_comments = format!("{}data: x\n\n", ": x\n".repeat(SIZE / 4));
    let long_comment = format!(":{}\ndata: x\n\n", "x".repeat(SIZE));
    let long_unknown = format!("{}\ndata: x\n\n", "x".repeat(SIZE));
    for stream in [
        one_line,
        many_lines,
        many_comments,
        long_comment,
        long_unknown,
    ] {
        for chunk_size in [1, 100, 8192, usize::MAX] {
            let work = work_per_byte(stream.as_bytes(), chunk_size);
            assert!(
                work <= WORK_PER_BYTE,
                "{work} in chunks of {chunk_size}: {stream:.9}"
            );
        }
    }
}

#[test]
fn debug_does_not_show_the_text() {
    let mut decoder = Decoder::default();
    decoder.push("data: secret\ndata: sec".into());
    assert_eq!(decoder.next_event(), None);
    let shown = format!("{decoder:?}");
    assert_eq!(
        shown,
        "Decoder { limit: 16777216, buffered: 15, ended: false, .. }"
    );
}

/// Decodes a stream in the simplest way, from the whole stream at once.
fn decode_plainly(stream: &[u8]) -> Vec<Result<Event, DecodeError>> {
    let mut events = Vec::new();
    let mut fields: Vec<(Vec<u8>, String)> = Vec::new();
    let mut lines = plain_lines(stream);
    // The end of the stream counts as a blank line.
    lines.push(Vec::new());
    for line in lines {
        if line.is_empty() {
            events.extend(plain_event(&mem::take(&mut fields)).map(Ok));
            continue;
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (line[..colon].to_vec(), line[colon + 1..].to_vec()),
            None => (line, Vec::new()),
        };
        let value = value
            .strip_prefix(b" ")
            .map(<[u8]>::to_vec)
            .unwrap_or(value);
        match String::from_utf8(value) {
            Ok(value) => fields.push((name, value)),
            Err(_) if [&b"data"[..], b"event", b"id"].contains(&&*name) => {
                events.push(Err(DecodeError::NotUtf8));
                return events;
            }
            Err(_) => {}
        }
    }
    events
}

fn plain_lines(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut bytes = stream
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(stream)
        .iter()
        .peekable();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&&b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            _ => lines.last_mut().unwrap().push(byte),
        }
    }
    lines
}

fn plain_event(fields: &[(Vec<u8>, String)]) -> Option<Event> {
    let mut data = Vec::new();
    let mut event = event("");
    for (name, value) in fields {
        let digits = value.chars().all(|c| c.is_ascii_digit());
        match &**name {
            b"data" => data.push(value.as_str()),
            b"event" => event.name = Some(value.as_str().into()),
            b"id" if !value.contains('\0') => event.id = Some(value.as_str().into()),
            b"retry" if digits => {
                let milliseconds = value.parse().ok();
                event.retry = milliseconds.map(Duration::from_millis).or(event.retry);
            }
            _ => {}
        }
    }
    event.name = event.name.filter(|name| !name.is_empty());
    event.data = data.join("\n").into();
    (!data.is_empty()).then_some(event)
}

/// Generates streams from the tokens of the format, so that most of them contain events.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        8 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\n\r\n"]),
        8 => prop::sample::select(vec!["data: ", "data:", "data", "event: ", "id: ", "retry: "]),
        4 => prop::sample::select(vec!["text", "é", "🦀", "42", " ", ":", "\0", "\u{feff}"]),
    ]
    .prop_map(|bit| bit.as_bytes().to_vec());
    let bit = prop_oneof![60 => bit, 1 => prop::collection::vec(any::<u8>(), 1..3)];
    let mark = prop_oneof![4 => Just(&b""[..]), 1 => Just(BYTE_ORDER_MARK)];
    (mark, prop::collection::vec(bit, 0..60))
        .prop_map(|(mark, bits)| [mark, &bits.concat()].concat())
}

/// Splits a stream into chunks of the given sizes, in turn.
fn cut<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (chunk, rest) = stream.split_at((*size).min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

proptest! {
    #[test]
    fn every_chunking_gives_the_events_of_the_simple_decoder(
        stream in streams(),
        sizes in prop::collection::vec(1..20_usize, 1..10),
    ) {
        let expected = decode_plainly(&stream);
        prop_assert_eq!(&decode(&stream), &expected);
        prop_assert_eq!(decode_chunks(Decoder::new(), cut(&stream, &sizes)), expected);
    }

    #[test]
    fn every_chunking_reaches_the_limit_at_the_same_event(
        stream in streams(),
        sizes in prop::collection::vec(1..20_usize, 1..10),
        limit in 0..30_usize,
    ) {
        let whole = decode_chunks(Decoder::with_limit(limit), [&*stream]);
        let chunked = decode_chunks(Decoder::with_limit(limit), cut(&stream, &sizes));
        prop_assert_eq!(chunked, whole);
    }

    #[test]
    fn reading_after_all_chunks_gives_the_same_events(
        stream in streams(),
        sizes in prop::collection::vec(1..20_usize, 1..10),
    ) {
        let mut decoder = Decoder::new();
        for chunk in cut(&stream, &sizes) {
            decoder.push(Bytes::copy_from_slice(chunk));
        }
        let events: Vec<_> = std::iter::from_fn(|| decoder.finish()).collect();
        prop_assert_eq!(events, decode(&stream));
    }
}
