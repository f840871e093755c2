use proptest::prelude::*;

use super::*;

/// Returns the joined texts, and whether an error came after them.
fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        found.extend(std::iter::from_fn(|| decoder.next_text()));
    }
    found.extend(std::iter::from_fn(|| decoder.finish()));
    let mut text = String::new();
    let mut broken = false;
    for text_or_error in found {
        assert!(!broken, "an error ends the stream");
        match text_or_error {
            Ok(part) => {
                assert!(!part.is_empty());
                text.push_str(&part);
            }
            Err(_) => broken = true,
        }
    }
    (text, broken)
}

#[test]
fn only_the_start_of_a_character_is_held_back() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"ab\xF0\x9F"));
    assert_eq!(decoder.next_text().unwrap().unwrap(), "ab");
    assert!(decoder.next_text().is_none());
    decoder.push(Bytes::from_static(b"\xA6"));
    assert!(decoder.next_text().is_none());
    decoder.push(Bytes::from_static(b"\x80c"));
    assert_eq!(decoder.next_text().unwrap().unwrap(), "🦀c");
    assert!(decoder.finish().is_none());
}

#[test]
fn invalid_utf8_is_an_error_after_the_text_before_it() {
    assert_eq!(decode([&b"ab\xffcd"[..]]), ("ab".to_owned(), true));
    assert_eq!(decode([&b"ab\xF0\x9F"[..]]), ("ab".to_owned(), true));
}

#[test]
fn debug_does_not_show_the_text() {
    let mut decoder = Decoder::new();
    decoder.push("secret".into());
    assert_eq!(
        format!("{decoder:?}"),
        "Decoder { buffered: 0, ended: false, .. }"
    );
}

proptest! {
    #[test]
    fn a_stream_split_at_any_byte_gives_the_same_text(
        text in "[a-c\r\né🦀ß]{0,30}",
        noise in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let stream = [text.as_bytes(), &noise, text.as_bytes()].concat();
        let whole = decode([&*stream]);
        let valid = str::from_utf8(&stream).map_or_else(|problem| problem.valid_up_to(), |_| stream.len());
        prop_assert_eq!((whole.0.as_bytes(), whole.1), (&stream[..valid], valid < stream.len()));
        prop_assert_eq!(&decode(stream.chunks(1)), &whole);
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            prop_assert_eq!(&decode([first, second]), &whole);
        }
    }
}
