use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn decode_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Value, String>> {
    let mut decoder = Decoder::<Value>::new();
    let mut values = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        values.extend(std::iter::from_fn(|| decoder.next_value()));
    }
    values.extend(std::iter::from_fn(|| decoder.finish()));
    let as_text = |value: Result<Value, Error>| value.map_err(|error| error.to_string());
    values.into_iter().map(as_text).collect()
}

fn last_error(stream: &str) -> Error {
    let mut decoder = Decoder::<Value>::new();
    decoder.push(Bytes::copy_from_slice(stream.as_bytes()));
    let error = std::iter::from_fn(|| decoder.finish()).find_map(Result::err);
    assert!(decoder.finish().is_none(), "an error ends the stream");
    error.unwrap()
}

#[test]
fn blank_lines_are_skipped_and_the_last_line_may_have_no_line_end() {
    let values = decode_chunks([&b"{\"a\":1}\r\n\n \r\n[2]\n3"[..]]);
    assert_eq!(values, [Ok(json!({"a": 1})), Ok(json!([2])), Ok(json!(3))]);
}

#[test]
fn an_incomplete_last_line_is_truncated_and_any_other_malformed_line_is_a_decode_error() {
    let cut = last_error("1\n{\"a\":");
    assert!(cut.is_truncated(), "{cut}");
    for stream in ["1\n{\"a\":\n2\n", "1\n{]\n", "nonsense"] {
        let bad = last_error(stream);
        assert!(bad.is_decode(), "{stream}: {bad}");
    }
}

proptest! {
    #[test]
    fn a_stream_split_at_any_byte_gives_the_same_values(
        bits in prop::collection::vec(
            prop::sample::select(vec!["\n", "\r\n", " ", "{\"é\":\"🦀\"}", "[1,2]", "7", "{", "\"x\""]),
            0..30,
        ),
    ) {
        let stream = bits.concat().into_bytes();
        let whole = decode_chunks([&*stream]);
        prop_assert_eq!(&decode_chunks(stream.chunks(1)), &whole);
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            prop_assert_eq!(&decode_chunks([first, second]), &whole);
        }
    }
}
