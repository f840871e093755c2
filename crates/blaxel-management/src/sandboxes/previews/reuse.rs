//! Access tokens of previews that are used again as long as they are valid.

use std::time::Duration;

use blaxel_core::{Error, HttpService, Source, Timestamp};

use super::PreviewToken;
use crate::collection::Collection;

/// The settings of [`create_if_expired`](Collection::create_if_expired): the lifetime of a new token, and the time
/// for which an existing one must still be valid.
///
/// ```
/// use std::time::Duration;
/// use blaxel_management::sandboxes::TokenValidity;
///
/// let validity = TokenValidity::new()
///     .expires_in(Duration::from_secs(8 * 60 * 60))
///     .min_validity(Duration::from_secs(10 * 60));
/// # let _ = validity;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenValidity {
    lifetime: Duration,
    min_validity: Duration,
}

impl Default for TokenValidity {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(24 * 60 * 60),
            min_validity: Duration::from_secs(60 * 60),
        }
    }
}

impl TokenValidity {
    /// Creates the default settings: a new token expires after 24 hours, and one that is used again is valid for
    /// another hour at least.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time after which a new token expires. A token that expires later is not used again. The default is
    /// 24 hours.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the time for which an existing token must still be valid to be used again. The default is one hour.
    pub fn min_validity(mut self, time: Duration) -> Self {
        self.min_validity = time;
        self
    }

    fn check(&self) -> Result<(), Error> {
        let problem = if self.lifetime.is_zero() {
            "it would expire at once"
        } else if self.lifetime < self.min_validity {
            "it is shorter than the required validity"
        } else {
            return Ok(());
        };
        Err(Error::input("lifetime of a token", &Source::Code, problem))
    }
}

impl PreviewToken {
    /// Returns `true` if the token has a value and has not expired at this time. A token without an expiry does not
    /// expire.
    #[must_use]
    pub fn is_valid_at(&self, time: &Timestamp) -> bool {
        let spec = &self.spec;
        let has_value = spec
            .token
            .as_ref()
            .is_some_and(|it| !it.expose().is_empty());
        // A text that is not a time ends nothing.
        let is_over = |end: &Timestamp| end.unix().is_some() && end <= time;
        has_value && spec.expired != Some(true) && !spec.expires_at.as_ref().is_some_and(is_over)
    }
}

impl<S: HttpService> Collection<PreviewToken, S> {
    /// Returns the token that expires last if it is valid for long enough, and creates one otherwise.
    ///
    /// Tokens are not deleted. Two calls at the same time may create two tokens. A public preview needs no token.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::TokenValidity;
    ///
    /// let tokens = management.sandboxes().previews("code-runner").tokens("web");
    /// let token = tokens.create_if_expired(&TokenValidity::new()).await?;
    /// println!("valid until {:?}", token.spec.expires_at);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a new token would not be valid for long enough; [`Error::is_not_found`] if there is
    /// no such preview; otherwise the error of a call.
    pub async fn create_if_expired(&self, validity: &TokenValidity) -> Result<PreviewToken, Error> {
        validity.check()?;
        let now = Timestamp::now();
        let first = now.saturating_add(validity.min_validity);
        let last = now.saturating_add(validity.lifetime);
        let ends_in_time = |token: &PreviewToken| {
            let end = token.spec.expires_at.as_ref();
            let end = end.filter(|end| end.unix().is_some());
            end.is_some_and(|end| first <= *end && *end <= last)
        };
        let tokens = self.all().await?.into_iter();
        let valid = tokens.filter(|token| token.is_valid_at(&now) && ends_in_time(token));
        match valid.max_by_key(|token| token.spec.expires_at.clone()) {
            Some(token) => Ok(token),
            // The server names it, so the name is never taken.
            None => self.create(&PreviewToken::until("", last)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_valid_if_it_has_a_value_and_has_not_expired() {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        for (spec, is_valid) in [
            (json!({"token": "t"}), true),
            (json!({"token": "t", "expired": false}), true),
            (json!({"token": "t", "expired": true}), false),
            (json!({"token": ""}), false),
            (json!({}), false),
            (
                json!({"token": "t", "expiresAt": "2026-05-01T10:00:01Z"}),
                true,
            ),
            (
                json!({"token": "t", "expiresAt": "2026-05-01T10:00:00Z"}),
                false,
            ),
            (json!({"token": "t", "expiresAt": "soon"}), true),
        ] {
            let token: PreviewToken = serde_json::from_value(json!({"spec": spec})).unwrap();
            assert_eq!(token.is_valid_at(&now), is_valid, "{spec}");
        }
    }

    /// Returns the token of the previews of a scripted list, and the requests that were sent.
    #[cfg(feature = "wait")]
    async fn reuse(tokens: &[(&str, u64)], validity: &TokenValidity) -> (String, Vec<String>) {
        use crate::Management;
        use crate::scripted::{Reply, Script};

        let now = Timestamp::now();
        let token = |name: &str, minutes: u64| {
            let end = now.saturating_add(Duration::from_secs(minutes * 60));
            let spec = json!({"token": name, "expiresAt": end, "expired": false});
            json!({"metadata": {"name": name}, "spec": spec})
        };
        let list: Vec<_> = tokens
            .iter()
            .map(|(name, minutes)| token(name, *minutes))
            .collect();
        let created = token("new", 0);
        let script = Script::with(move |line| match line.starts_with("GET") {
            true => Reply::json(200, &list.clone().into()),
            false => Reply::json(200, &created),
        });
        let management = Management::new(script.clone());
        let tokens = management.sandboxes().previews("box").tokens("web");
        let token = tokens.create_if_expired(validity).await.unwrap();
        (
            token.spec.token.unwrap_or_default().expose().to_owned(),
            script.lines(),
        )
    }

    #[cfg(feature = "wait")]
    #[tokio::test]
    async fn the_token_that_expires_last_is_used_if_it_is_valid_for_long_enough() {
        let list = "GET /sandboxes/box/previews/web/tokens".to_owned();
        let create = "POST /sandboxes/box/previews/web/tokens".to_owned();
        let all = [
            ("a", 30),
            ("b", 90),
            ("c", 20 * 60),
            ("d", 10 * 60),
            ("e", 30 * 60),
        ];
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        let validity = TokenValidity::new;
        for (tokens, validity, expected) in [
            (&all[..], validity(), "c"),
            (&all, validity().expires_in(hours(40)), "e"),
            (&all, validity().expires_in(hours(2)), "b"),
            (&all, validity().min_validity(hours(20)), "new"),
            (&all[..1], validity(), "new"),
            (&all[..1], validity().min_validity(Duration::ZERO), "a"),
            (&[], validity(), "new"),
        ] {
            let (token, requests) = reuse(tokens, &validity).await;
            assert_eq!(token, expected, "{validity:?}");
            let mut sent = vec![list.clone()];
            sent.extend((expected == "new").then(|| create.clone()));
            assert_eq!(requests, sent, "{validity:?}");
        }
    }

    #[test]
    fn a_lifetime_must_cover_the_required_validity() {
        let hour = Duration::from_secs(60 * 60);
        assert!(TokenValidity::new().check().is_ok());
        assert!(TokenValidity::new().expires_in(hour).check().is_ok());
        for bad in [
            TokenValidity::new().expires_in(hour / 2),
            TokenValidity::new()
                .expires_in(Duration::ZERO)
                .min_validity(Duration::ZERO),
        ] {
            assert!(bad.check().unwrap_err().is_input(), "{bad:?}");
        }
    }
}
