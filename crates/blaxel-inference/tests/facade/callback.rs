//! Callbacks are accepted only with a valid signature and a recent timestamp.

use std::time::{Duration, SystemTime};

use blaxel_core::Error;
use blaxel_inference::{Callback, CallbackError, CallbackVerifier};
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use sha2::Sha256;

const SECRET: &str = "whsec_test";
const NOW: u64 = 1_790_000_000;
const BODY: &str = r#"{"status_code":200,"response_body":"{\"output\":\"hi\"}","response_length":15,"timestamp":1790000000}"#;

fn signed(body: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let digits: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={digits}")
}

fn headers(signature: &str, timestamp: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-blaxel-signature",
        HeaderValue::from_str(signature).unwrap(),
    );
    headers.insert(
        "x-blaxel-timestamp",
        HeaderValue::from_str(timestamp).unwrap(),
    );
    headers
}

fn verify(headers: &HeaderMap, body: &[u8]) -> Result<Callback, CallbackError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let verifier = CallbackVerifier::new(SECRET).unwrap();
    verifier.verify_at(headers, body, now)
}

fn good() -> HeaderMap {
    headers(&signed(BODY.as_bytes(), SECRET), &NOW.to_string())
}

/// Uses the example of RFC 4231, section 4.3, as an independent reference for the signature.
#[test]
fn the_signature_is_the_standard_hmac() {
    let known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signed(b"what do ya want for nothing?", "Jefe"), known);
    let verifier = CallbackVerifier::new("Jefe").unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let outcome = verifier.verify_at(
        &headers(known, &NOW.to_string()),
        b"what do ya want for nothing?",
        now,
    );
    // The signature is valid, but the body is not a callback.
    assert!(matches!(outcome, Err(CallbackError::NotACallback(_))));
}

#[test]
fn a_signed_callback_is_decoded() {
    let callback = verify(&good(), BODY.as_bytes()).unwrap();
    assert_eq!(callback.status_code, 200);
    assert_eq!(callback.response_body, r#"{"output":"hi"}"#);
    assert_eq!(callback.response_length, Some(15));
    assert_eq!(
        callback.timestamp().unwrap().unix(),
        Some((1_790_000_000, 0))
    );
    let upper = signed(BODY.as_bytes(), SECRET)
        .to_uppercase()
        .replace("SHA256", "sha256");
    assert!(verify(&headers(&upper, &NOW.to_string()), BODY.as_bytes()).is_ok());
}

#[test]
fn the_timestamp_must_be_present_and_recent() {
    let signature = signed(BODY.as_bytes(), SECRET);
    for (sent, difference) in [
        (NOW - 300, None),
        (NOW + 300, None),
        (NOW - 301, Some(301)),
        (NOW + 301, Some(301)),
        (0, Some(NOW)),
    ] {
        let outcome = verify(&headers(&signature, &sent.to_string()), BODY.as_bytes());
        let expected = difference.map(|seconds| CallbackError::ClockSkew {
            difference: Duration::from_secs(seconds),
        });
        assert_eq!(outcome.err(), expected, "{sent}");
    }
    let mut bare = good();
    bare.remove("x-blaxel-timestamp");
    for headers in [
        bare,
        headers(&signature, "soon"),
        headers(&signature, "-1"),
        headers(&signature, ""),
    ] {
        assert_eq!(
            verify(&headers, BODY.as_bytes()),
            Err(CallbackError::NoTimestamp)
        );
    }
}

/// The sender must not be able to choose which of two headers counts.
#[test]
fn a_header_that_occurs_twice_is_rejected() {
    let mut twice = good();
    twice.append("x-blaxel-signature", HeaderValue::from_static("sha256=00"));
    assert_eq!(
        verify(&twice, BODY.as_bytes()),
        Err(CallbackError::NoSignature)
    );
    let mut twice = good();
    twice.append("x-blaxel-timestamp", HeaderValue::from_static("1"));
    assert_eq!(
        verify(&twice, BODY.as_bytes()),
        Err(CallbackError::NoTimestamp)
    );
}

#[test]
fn any_other_signature_is_rejected() {
    let whole = signed(BODY.as_bytes(), SECRET);
    let other = signed(BODY.as_bytes(), "another");
    for (signature, error) in [
        (other.as_str(), CallbackError::WrongSignature),
        (&whole[..whole.len() - 2], CallbackError::WrongSignature),
        ("sha256=", CallbackError::WrongSignature),
        (&whole[..whole.len() - 1], CallbackError::NoSignature),
        (&whole[7..], CallbackError::NoSignature),
        ("sha1=00", CallbackError::NoSignature),
        ("sha256=zz", CallbackError::NoSignature),
        ("", CallbackError::NoSignature),
    ] {
        let outcome = verify(&headers(signature, &NOW.to_string()), BODY.as_bytes());
        assert_eq!(outcome, Err(error), "{signature}");
    }
}

#[test]
fn an_empty_secret_is_rejected_and_no_secret_is_shown() {
    let error: Error = CallbackVerifier::new("").unwrap_err();
    assert!(error.is_input());
    let shown = format!("{:?}", CallbackVerifier::new(SECRET).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

proptest! {
    #[test]
    fn a_body_with_one_changed_bit_is_rejected(at in 0..BODY.len(), bit in 0..8_u32) {
        let mut body = BODY.as_bytes().to_vec();
        body[at] ^= 1 << bit;
        prop_assert_eq!(verify(&good(), &body), Err(CallbackError::WrongSignature));
    }
}
