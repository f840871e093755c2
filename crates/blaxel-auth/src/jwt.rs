//! The lifetime that a token claims.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The claims about time of a JWT, in seconds since 1970. Its signature is not looked at: they only
/// decide when to ask for another token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claims {
    expires: f64,
    #[cfg_attr(not(feature = "oauth"), expect(dead_code))]
    issued: Option<f64>,
}

impl Claims {
    /// The claims of a token, or `None` if it is no JWT or does not say when it expires.
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

    /// The remaining lifetime of the token; `None` once it has expired.
    pub(crate) fn remaining(self) -> Option<Duration> {
        duration(self.expires - now())
    }

    /// When the token expires, if that is a time the system can tell.
    #[cfg(feature = "oauth")]
    pub(crate) fn expires_at(self) -> Option<SystemTime> {
        let since = Duration::try_from_secs_f64(self.expires.max(0.0)).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    /// The lifetime the token was issued with.
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

/// The system's clock.
pub(crate) fn wall_clock() -> SystemTime {
    #[cfg(all(test, feature = "oauth"))]
    let now = test_clock::now();
    #[cfg(not(all(test, feature = "oauth")))]
    let now = SystemTime::now();
    now
}

/// The system's clock with a hand that a test can move, each on its own thread.
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

    pub(crate) fn jump(ahead: Duration, behind: Duration) {
        AHEAD.set((ahead, behind));
    }
}

/// The same in seconds since 1970.
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
    fn times_may_be_whole_or_broken_and_padding_may_be_there() {
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
    fn anything_else_is_no_jwt() {
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
        fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
            let _ = Claims::read(&text);
        }

        #[test]
        fn no_claims_make_it_panic(
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
    fn absurd_times_do_no_harm() {
        let far = Claims::read(&sample(r#"{"exp":1e300}"#)).unwrap();
        assert_eq!(far.remaining(), Some(Duration::MAX));
        let past = Claims::read(&sample(r#"{"exp":-1e300}"#)).unwrap();
        assert_eq!(past.remaining(), None);
    }
}
