//! Callbacks: the results of asynchronous calls.

use std::fmt;
use std::time::{Duration, SystemTime};

use blaxel_core::__private::{JsonProblem, duration};
use blaxel_core::{Error, Secret, Source, Timestamp};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::Sha256;

const SIGNATURE: &str = "x-blaxel-signature";
const TIMESTAMP: &str = "x-blaxel-timestamp";
const SIGNATURE_PREFIX: &str = "sha256=";
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);

/// Verifies that a request is a callback of the platform.
///
/// The result of an asynchronous call is sent to the `callbackUrl` of the agent's trigger, with the
/// header `X-Blaxel-Signature`: an HMAC-SHA256 of the body with the trigger's `callbackSecret`, which the
/// platform shows once, when the trigger is created. The signature covers the bytes of the body as
/// received, so verify them before the body is decoded or changed. It is compared in constant time.
///
/// # Replayed callbacks
///
/// The header `X-Blaxel-Timestamp` is **not signed**. Its age is checked, which rejects old requests that
/// are repeated unchanged; but an attacker who has seen a callback can send it again with a new
/// timestamp. A receiver that must not act twice has to record the callbacks it has handled, for
/// instance by an id in the body.
///
/// ```
/// # fn example(headers: &http::HeaderMap, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// use blaxel_inference::CallbackVerifier;
///
/// let verifier = CallbackVerifier::new("the trigger's callback secret")?;
/// let callback = verifier.verify(headers, body)?;
/// println!("{}: {}", callback.status_code, callback.response_body);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CallbackVerifier {
    secret: Secret,
    max_age: Duration,
}

impl CallbackVerifier {
    /// Creates a verifier that accepts callbacks signed with `secret`, at most 300 seconds old.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the secret is empty, because anybody could sign with it.
    pub fn new(secret: impl Into<Secret>) -> Result<Self, Error> {
        let secret = secret.into();
        if secret.is_empty() {
            return Err(Error::input(
                "callback secret",
                &Source::Code,
                "it is empty",
            ));
        }
        Ok(Self {
            secret,
            max_age: DEFAULT_MAX_AGE,
        })
    }

    /// Sets the maximum age of a callback. The default is 300 seconds. A timestamp may also be as far in the
    /// future, because clocks differ.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Verifies a request against the system clock, and decodes it.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] with the reason. Do not trust any part of such a request.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Callback, CallbackError> {
        self.verify_at(headers, body, SystemTime::now())
    }

    /// Verifies a request against a given time, and decodes it.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub fn verify_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Callback, CallbackError> {
        let signature = only(headers, SIGNATURE)
            .ok_or(CallbackError::NoSignature)?
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(from_hex)
            .ok_or(CallbackError::NoSignature)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes())
            .map_err(|_| CallbackError::WrongSignature)?;
        mac.update(body);
        mac.verify_slice(&signature)
            .map_err(|_| CallbackError::WrongSignature)?;
        let sent = only(headers, TIMESTAMP)
            .and_then(|text| text.trim().parse::<u64>().ok())
            .ok_or(CallbackError::NoTimestamp)?;
        self.check_age(sent, now)?;
        serde_json::from_slice(body)
            .map_err(|problem| CallbackError::NotACallback(JsonProblem::new(&problem).to_string()))
    }

    fn check_age(&self, sent: u64, now: SystemTime) -> Result<(), CallbackError> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let difference = now.abs_diff(Duration::from_secs(sent));
        if difference > self.max_age {
            return Err(CallbackError::ClockSkew { difference });
        }
        Ok(())
    }
}

/// Returns the value of a header that is present exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// The result of an asynchronous call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Callback {
    /// The status of the agent's response.
    pub status_code: u16,
    /// The body of the agent's response, as text.
    #[serde(default)]
    pub response_body: String,
    /// The length of the agent's response in bytes. It is greater than that of `response_body` if the platform
    /// has truncated the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_length: Option<u64>,
    /// All other members, including `timestamp`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Callback {
    /// Returns the platform's time of the callback, or `None` if it is missing or malformed. Unlike the time in
    /// the header, it is signed.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        match self.other.get("timestamp")? {
            Value::String(text) => match text.parse::<i64>() {
                Ok(seconds) => Some(Timestamp::from_unix(seconds, 0)),
                Err(_) => text.parse().ok(),
            },
            number => Some(Timestamp::from_unix(number.as_i64()?, 0)),
        }
    }
}

/// The reason why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// The signature is missing, ambiguous, or not `sha256=` with hexadecimal digits.
    NoSignature,
    /// The body was not signed with the secret.
    WrongSignature,
    /// The timestamp is missing, ambiguous, or not a number of seconds since 1970.
    NoTimestamp,
    /// The timestamp is too far from the current time.
    ClockSkew {
        /// The difference.
        difference: Duration,
    },
    /// The body is signed but is not a callback. The text is the reason.
    NotACallback(String),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => write!(f, "the request has no usable header {SIGNATURE}"),
            Self::WrongSignature => f.write_str("the signature does not match the body"),
            Self::NoTimestamp => write!(f, "the request has no usable header {TIMESTAMP}"),
            Self::ClockSkew { difference } => {
                let difference = duration(*difference);
                write!(f, "the timestamp is {difference} from the current time")
            }
            Self::NotACallback(problem) => write!(f, "the body is not a callback: {problem}"),
        }
    }
}

impl std::error::Error for CallbackError {}
