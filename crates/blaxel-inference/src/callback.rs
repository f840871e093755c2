//! Callbacks: how the outcome of an asynchronous call comes back.

use std::fmt;
use std::time::{Duration, SystemTime};

use blaxel_core::{Error, Secret, Source, Timestamp};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::Sha256;

const SIGNATURE: &str = "x-blaxel-signature";
const TIMESTAMP: &str = "x-blaxel-timestamp";
const SIGNATURE_PREFIX: &str = "sha256=";
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);

/// Verifies that a request is a callback of the platform.
///
/// A trigger with a `callbackUrl` has its agent's outcome sent there, with the header
/// `X-Blaxel-Signature`: an HMAC-SHA256 of the body under the trigger's `callbackSecret`, which the
/// platform shows once, when the trigger is made. The signature is compared in constant time, over the
/// bytes of the body as they came: verify before the body is decoded or changed.
///
/// # What it does not prove
///
/// The header `X-Blaxel-Timestamp` is **not signed**. Its age is checked, which keeps out old requests
/// that are sent again as they were; but who has seen one callback can send it again under a new time.
/// Whoever must not act twice has to remember what was handled, by an id in the body for instance.
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
    /// A verifier of callbacks under this secret that are at most 300 seconds old.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the secret is empty: everybody can sign by that.
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

    /// Sets how far the time of a callback may lie from now, in the past or, for clocks that differ, in
    /// the future.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Verifies a request by this machine's clock, and reads it.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] says what is wrong. Nothing of such a request is to be believed.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Callback, CallbackError> {
        self.verify_at(headers, body, SystemTime::now())
    }

    /// Verifies a request as of another time, and reads it.
    ///
    /// # Errors
    ///
    /// As for [`verify`](Self::verify).
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
            .map_err(|problem| CallbackError::NoCallback(problem.to_string()))
    }

    fn check_age(&self, sent: u64, now: SystemTime) -> Result<(), CallbackError> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let apart = now.abs_diff(Duration::from_secs(sent));
        if apart > self.max_age {
            return Err(CallbackError::WrongTime { apart });
        }
        Ok(())
    }
}

/// The value of a header that stands there once.
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

/// The outcome of an asynchronous call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Callback {
    /// The status that the agent answered with.
    pub status_code: u16,
    /// What the agent answered, as text.
    #[serde(default)]
    pub response_body: String,
    /// How long the agent's answer was, in bytes; more than came, if it was cut.
    #[serde(default)]
    pub response_length: Option<u64>,
    /// Every other member, `timestamp` among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Callback {
    /// When the platform says that it was; unlike the header's time, this one is signed. `None` if there
    /// is none, or none that can be read.
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

/// Why a request is not taken for a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// There is no signature, or not exactly one, or it is no `sha256=` with hexadecimal digits.
    NoSignature,
    /// The body was not signed by the secret.
    WrongSignature,
    /// There is no time, or not exactly one, or it is no number of seconds since 1970.
    NoTimestamp,
    /// The time lies too far from now.
    WrongTime {
        /// How far.
        apart: Duration,
    },
    /// The body is signed but no callback: what is wrong with it.
    NoCallback(String),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => write!(f, "the request has no usable header {SIGNATURE}"),
            Self::WrongSignature => f.write_str("the signature does not fit the body"),
            Self::NoTimestamp => write!(f, "the request has no usable header {TIMESTAMP}"),
            Self::WrongTime { apart } => {
                let seconds = apart.as_secs();
                write!(f, "the request's time lies {seconds} seconds from now")
            }
            Self::NoCallback(problem) => write!(f, "the body is no callback: {problem}"),
        }
    }
}

impl std::error::Error for CallbackError {}
