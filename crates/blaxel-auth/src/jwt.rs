//! The time claims of a JWT.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The time claims of a JWT, in seconds since 1970. The signature is not verified: the claims are only used
/// to decide when to fetch another token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claims {
    expires: f64,
    #[cfg_attr(not(feature = "oauth"), expect(dead_code))]
    issued: Option<f64>,
}

impl Claims {
    /// Returns the claims of a token, or `None` if it is not a JWT or has no expiry.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let bytes = GeneralPurpose::new(&URL_SAFE, LENIENT)
            .decode(payload)
            .ok()?;
        let claims: Value = serde_json::from_slice(&bytes).ok()?;
        let seconds = |name| claims.get(name).and_then(Value::as_f64);
        Some(Self {
            expires: seconds("exp")?,
            issued: seconds("iat"),
        })
    }

    /// Returns the remaining lifetime, or `None` once the token has expired.
    pub(crate) fn remaining(self) -> Option<Duration> {
        duration(self.expires - now())
    }

    /// Returns the time at which the token expires, if a `SystemTime` can represent it.
    #[cfg(feature = "oauth")]
    pub(crate) fn expires_at(self) -> Option<SystemTime> {
        let since = Duration::try_from_secs_f64(self.expires.max(0.0)).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    /// Returns the lifetime with which the token was issued.
    #[cfg(feature = "oauth")]
    pub(crate) fn lifetime(self) -> Option<Duration> {
        duration(self.expires - self.issued?)
    }
}

fn duration(seconds: f64) -> Option<Duration> {
    if seconds <= 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Returns the time of the system clock.
pub(crate) fn wall_clock() -> SystemTime {
    #[cfg(all(test, feature = "oauth"))]
    let now = test_clock::now();
    #[cfg(not(all(test, feature = "oauth")))]
    let now = SystemTime::now();
    now
}

/// The system clock with an offset that a test can set, per thread.
#[cfg(all(test, feature = "oauth"))]
pub(crate) mod test_clock {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};

    thread_local! {
        static AHEAD: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
    }

    pub(super) fn now() -> SystemTime {
        let (ahead, behind) = AHEAD.get();
        SystemTime::now() + ahead - behind
    }

    pub(crate) fn set_offset(ahead: Duration, behind: Duration) {
        AHEAD.set((ahead, behind));
    }
}

/// Returns the time of the system clock in seconds since 1970.
fn now() -> f64 {
    match wall_clock().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
pub(crate) fn sample(claims: &str) -> String {
    let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", encode(r#"{"alg":"none"}"#), encode(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_integers_or_floats_and_padding_is_optional() {
        let whole = Claims::read(&sample(r#"{"exp":4102444800}"#)).unwrap();
        assert!(whole.remaining().unwrap() > Duration::from_secs(3600));
        let broken = Claims::read(&sample(r#"{"exp":4102444800.75,"iat":1}"#)).unwrap();
        assert!(broken.remaining().is_some());
        let padded = base64::prelude::BASE64_URL_SAFE.encode(r#"{"exp":1.5}"#);
        assert!(
            Claims::read(&format!("e30.{padded}.c2ln"))
                .unwrap()
                .remaining()
                .is_none()
        );
    }

    #[test]
    fn a_token_without_an_expiry_has_no_claims() {
        let not_one = [
            String::new(),
            "opaque".to_owned(),
            "a.b".to_owned(),
            "a.!.c".to_owned(),
            "a.b.c.d".to_owned(),
            sample("[]"),
            sample("{}"),
            sample(r#"{"exp":"soon"}"#),
        ];
        for token in not_one {
            assert!(Claims::read(&token).is_none(), "{token}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(text in proptest::prelude::any::<String>()) {
            let _ = Claims::read(&text);
        }

        #[test]
        fn claims_of_any_value_never_panic(
            exp in proptest::prelude::any::<f64>(),
            iat in "-?[0-9]{1,25}(\\.[0-9]{0,5})?(e-?[0-9]{1,4})?|null|\"x\"|\\[\\]",
            tail in "[\\PC]{0,8}",
        ) {
            let text = format!("{{\"exp\":{exp:?},\"iat\":{iat}}}{tail}");
            if let Some(claims) = Claims::read(&sample(&text)) {
                let _ = claims.remaining();
                #[cfg(feature = "oauth")]
                let _ = (claims.lifetime(), claims.expires_at());
            }
        }
    }

    #[test]
    fn extreme_times_are_clamped() {
        let far = Claims::read(&sample(r#"{"exp":1e300}"#)).unwrap();
        assert_eq!(far.remaining(), Some(Duration::MAX));
        let past = Claims::read(&sample(r#"{"exp":-1e300}"#)).unwrap();
        assert_eq!(past.remaining(), None);
    }
}
