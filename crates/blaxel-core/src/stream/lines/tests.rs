use proptest::prelude::*;

use super::*;
use crate::stream::split::work;

fn decode_chunks<'a>(
    mut decoder: Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Result<Text, DecodeError>> {
    let mut lines = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        lines.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    lines.extend(std::iter::from_fn(|| decoder.finish()));
    lines
}

fn decode(stream: impl AsRef<[u8]>) -> Vec<String> {
    decode_chunks(Decoder::new(), [stream.as_ref()])
        .into_iter()
        .map(|line| line.unwrap().to_string())
        .collect()
}

#[test]
fn both_line_ends_end_a_line_and_a_lone_cr_is_text() {
    assert_eq!(decode("a\nb\r\nc"), ["a", "b", "c"]);
    assert_eq!(decode("10%\r20%\r\r\nend\r"), ["10%\r20%\r", "end"]);
}

#[test]
fn empty_lines_are_lines_and_an_empty_rest_is_not() {
    assert_eq!(decode("\n\r\n\n"), ["", "", ""]);
    assert_eq!(decode("a\n\n"), ["a", ""]);
    assert!(decode("").is_empty());
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    let mark = "\u{feff}";
    assert_eq!(
        decode(format!("{mark}a\n{mark}b")),
        ["a".to_owned(), format!("{mark}b")]
    );
}

#[test]
fn a_line_that_is_not_utf_8_ends_the_stream() {
    let lines = decode_chunks(Decoder::new(), [&b"a\n\xff\nb\n"[..]]);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], Err(DecodeError::NotUtf8));
}

#[test]
fn a_line_may_be_as_large_as_the_limit() {
    let limited = |stream: &str| decode_chunks(Decoder::with_limit(4), [stream.as_bytes()]);
    assert!(limited("abcd\nabcd").iter().all(Result::is_ok));
    for stream in ["abcde\n", "abcde", "abcd\nabcde"] {
        let last = limited(stream).pop().unwrap();
        assert_eq!(last, Err(DecodeError::TooLarge { limit: 4 }), "{stream}");
    }
}

/// A `result` line of a sandbox, an image in base64: real lines are large.
#[test]
fn a_line_of_ten_mebibytes_is_read() {
    let line = "x".repeat(10 * 1024 * 1024);
    let stream = format!("{line}\n");
    let lines = decode_chunks(Decoder::new(), stream.as_bytes().chunks(8192));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].as_ref().unwrap().len(), line.len());
}

#[test]
fn the_work_is_proportional_to_the_line() {
    let stream = format!("{}\n", "x".repeat(256 * 1024));
    for chunk_size in [1, 100, 8192, usize::MAX] {
        work::take();
        assert_eq!(
            decode_chunks(Decoder::new(), stream.as_bytes().chunks(chunk_size)).len(),
            1
        );
        let per_byte = work::take().div_ceil(stream.len());
        assert!(per_byte <= 4, "{per_byte} in chunks of {chunk_size}");
    }
}

#[test]
fn debug_does_not_show_the_text() {
    let mut decoder = Decoder::default();
    decoder.push("secret".into());
    assert_eq!(decoder.next_line(), None);
    assert_eq!(
        format!("{decoder:?}"),
        "Decoder { limit: 16777216, buffered: 6, ended: false, .. }"
    );
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop::sample::select(vec!["\n", "\r", "\r\n", "a", "é", "🦀", "\u{feff}"]);
    let bit = bit.prop_map(|bit| bit.as_bytes().to_vec());
    let bit = prop_oneof![60 => bit, 1 => prop::collection::vec(any::<u8>(), 1..3)];
    prop::collection::vec(bit, 0..40).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn a_stream_split_at_any_byte_gives_the_same_lines(stream in streams(), limit in 0..30_usize) {
        for limit in [limit, Decoder::DEFAULT_LIMIT] {
            let decoder = || Decoder::with_limit(limit);
            let whole = decode_chunks(decoder(), [&*stream]);
            prop_assert_eq!(&decode_chunks(decoder(), stream.chunks(1)), &whole);
            for at in 0..=stream.len() {
                let (first, second) = stream.split_at(at);
                prop_assert_eq!(&decode_chunks(decoder(), [first, second]), &whole);
            }
        }
    }

    #[test]
    fn the_lines_are_those_of_the_simple_decoder(text in "[a\r\né]{0,40}") {
        let mut expected: Vec<&str> = text.split('\n').collect();
        let rest = expected.pop().unwrap_or_default();
        let bare = |line: &str| line.strip_suffix('\r').unwrap_or(line).to_owned();
        let mut expected: Vec<String> = expected.into_iter().map(bare).collect();
        expected.extend(Some(bare(rest)).filter(|rest| !rest.is_empty()));
        prop_assert_eq!(decode(&text), expected);
    }
}
