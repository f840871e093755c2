//! An access token and its lifetime.

use std::time::Duration;

use blaxel_core::__private::later;
use blaxel_core::{BoxFuture, Error, Secret};
use http::HeaderValue;
use tokio::time::Instant;

use crate::bearer;
use crate::jwt::Claims;

/// The lifetime of a token if neither the response nor the token has one.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// The minimum lifetime: a token that claims a shorter one is used for this long.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);
const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const SHORTEST_WINDOW: Duration = Duration::from_secs(60);

/// A source of access tokens.
pub(crate) trait TokenSource: Send + Sync + 'static {
    /// Fetches a token. The error is complete, without further context.
    fn fetch(&self) -> BoxFuture<Result<NewToken, Error>>;

    /// Describes the failed request, as context for the error of one that got no response.
    fn describe(&self) -> String;
}

/// A token as it was received.
pub(crate) struct NewToken {
    pub(crate) secret: Secret,
    pub(crate) expires_in: Option<Duration>,
}

impl NewToken {
    fn lifetime(&self) -> Duration {
        let claimed = self.expires_in.or_else(|| {
            let claims = Claims::read(self.secret.expose())?;
            // If a new token seems expired, the local clock is wrong.
            claims.remaining().or_else(|| claims.lifetime())
        });
        claimed
            .unwrap_or(UNKNOWN_LIFETIME)
            .clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME)
    }
}

/// The current token and its times.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    /// The time from which the token is due for renewal.
    pub(crate) renew: Instant,
    /// The time from which the token must not be sent.
    pub(crate) expires: Instant,
}

impl Token {
    /// Creates a token that was requested at `requested`. `jitter`, from 0 to 1, delays the renewal by up to
    /// a tenth of the renewal window, so that processes that started together do not renew together.
    pub(crate) fn new(token: &NewToken, requested: Instant, jitter: f64) -> Result<Self, Error> {
        let header = bearer::header(token.secret.expose())
            .map_err(|problem| Error::decode(format!("the access token is unusable: {problem}")))?;
        let lifetime = token.lifetime();
        let window = (lifetime / 5).max(SHORTEST_WINDOW).min(lifetime / 2);
        let before_expiry = window.mul_f64(1.0 - jitter / 10.0);
        Ok(Self {
            header,
            renew: later(requested, lifetime.saturating_sub(before_expiry)),
            expires: later(requested, lifetime),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::sample;

    fn life(text: &str, expires_in: Option<u64>) -> Duration {
        let expires_in = expires_in.map(Duration::from_secs);
        NewToken {
            secret: text.into(),
            expires_in,
        }
        .lifetime()
    }

    #[test]
    fn the_lifetime_is_that_of_the_response_then_of_the_token_then_the_default() {
        let jwt = sample(r#"{"exp":4102444800,"iat":4102441200}"#);
        assert_eq!(life(&jwt, Some(7200)).as_secs(), 7200);
        assert!(life(&jwt, None) > Duration::from_secs(7200));
        assert_eq!(life("opaque", None), UNKNOWN_LIFETIME);
        assert_eq!(life("opaque", Some(0)), SHORTEST_LIFETIME);
        assert_eq!(life("opaque", Some(u64::MAX)), LONGEST_LIFETIME);
    }

    #[test]
    fn a_clock_that_is_ahead_does_not_expire_new_tokens() {
        assert_eq!(
            life(&sample(r#"{"exp":5600,"iat":2000}"#), None).as_secs(),
            3600
        );
        assert_eq!(life(&sample(r#"{"exp":5600}"#), None), UNKNOWN_LIFETIME);
    }

    #[test]
    fn renewal_is_due_in_the_last_fifth_or_minute_but_never_in_the_first_half() {
        let now = Instant::now();
        for (lifetime, renewed_at) in [(7200, 5760), (300, 240), (150, 90), (100, 50), (1, 0)] {
            let expires_in = Some(Duration::from_secs(lifetime));
            let new = NewToken {
                secret: "t".into(),
                expires_in,
            };
            let token = Token::new(&new, now, 0.0).unwrap();
            assert_eq!((token.renew - now).as_secs(), renewed_at, "{lifetime}");
            assert_eq!((token.expires - now).as_secs(), lifetime);
            let later = Token::new(&new, now, 1.0).unwrap().renew;
            assert!(later > token.renew && later < token.expires);
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_an_error_without_the_token() {
        let new = NewToken {
            secret: "canary\u{7}".into(),
            expires_in: None,
        };
        let error = Token::new(&new, Instant::now(), 0.0).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
