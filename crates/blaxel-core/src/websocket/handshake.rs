//! The opening handshake: the headers of the request, and the check of the response.

use crate::error::Error;
use crate::error::ErrorParts;
use crate::request::RequestWriter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};
use http::response::Parts;
use sha1_smol::Sha1;

use super::options::Options;

/// The text that a server appends to the key, to prove that it speaks the protocol (RFC 6455).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The handshake of one connection.
pub(super) struct Handshake {
    key: String,
}

impl Handshake {
    /// Creates a handshake with a random key.
    pub(super) fn new() -> Result<Self, Error> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|problem| {
            Error::not_sent(format!("the system has no random numbers: {problem}"))
        })?;
        Ok(Self {
            key: STANDARD.encode(nonce),
        })
    }

    /// Asks for the upgrade in a request.
    pub(super) fn write(
        &self,
        request: &mut RequestWriter,
        options: &Options,
    ) -> Result<(), Error> {
        request.upgrade("websocket")?;
        request.header(SEC_WEBSOCKET_VERSION, "13")?;
        request.header(SEC_WEBSOCKET_KEY, &self.key)?;
        if let Some(offer) = options.offer()? {
            request.header(SEC_WEBSOCKET_PROTOCOL, &offer)?;
        }
        Ok(())
    }

    /// Checks the response, and returns the subprotocol that the server chose.
    pub(super) fn check(&self, head: &Parts, options: &Options) -> Result<Option<String>, Error> {
        let headers = &head.headers;
        let problem = if !names_upgrade(headers) {
            "it has no `Connection: upgrade`"
        } else if only(headers, SEC_WEBSOCKET_ACCEPT) != Some(accept(&self.key).as_str()) {
            "its `Sec-WebSocket-Accept` does not match the key"
        } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            "it has an extension that was not offered"
        } else if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Ok(None);
        } else {
            let chosen = only(headers, SEC_WEBSOCKET_PROTOCOL);
            let offered = options.protocols.iter();
            match offered
                .into_iter()
                .find(|offered| chosen == Some(offered.as_str()))
            {
                Some(protocol) => return Ok(Some(protocol.clone())),
                None => "it has a subprotocol that was not offered",
            }
        };
        let message = format!("the response is not a WebSocket handshake: {problem}");
        Err(Error::decode(message).with_head(head))
    }
}

/// Returns the value by which a server accepts a key.
pub(super) fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::from(format!("{key}{GUID}")).digest().bytes())
}

/// Returns `true` if the headers say that the connection is upgraded.
fn names_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
}

/// Returns the value of a header that is there exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and its answer from RFC 6455, section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn check(headers: &[(&'static str, &str)]) -> Result<Option<String>, Error> {
        let mut response = http::Response::builder().status(101);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        let handshake = Handshake { key: KEY.into() };
        handshake.check(&head, &Options::new().protocol("one").protocol("two"))
    }

    #[test]
    fn the_key_is_accepted_as_in_the_rfc() {
        assert_eq!(accept(KEY), ACCEPT);
    }

    #[test]
    fn keys_are_random_and_of_16_bytes() {
        let (one, other) = (Handshake::new().unwrap(), Handshake::new().unwrap());
        assert_ne!(one.key, other.key);
        assert_eq!(STANDARD.decode(one.key).unwrap().len(), 16);
    }

    #[test]
    fn a_response_is_checked() {
        const CONNECTION: (&str, &str) = ("connection", "keep-alive, Upgrade");
        const ACCEPTED: (&str, &str) = ("sec-websocket-accept", ACCEPT);
        assert_eq!(check(&[CONNECTION, ACCEPTED]).unwrap(), None);
        let chosen = check(&[CONNECTION, ACCEPTED, ("sec-websocket-protocol", "two")]);
        assert_eq!(chosen.unwrap().unwrap(), "two");
        for (headers, part) in [
            (vec![ACCEPTED], "Connection"),
            (vec![CONNECTION], "Accept"),
            (vec![CONNECTION, ("sec-websocket-accept", KEY)], "Accept"),
            (vec![CONNECTION, ACCEPTED, ACCEPTED], "Accept"),
            (
                vec![CONNECTION, ACCEPTED, ("sec-websocket-protocol", "three")],
                "subprotocol",
            ),
            (
                vec![CONNECTION, ACCEPTED, ("sec-websocket-protocol", "one, two")],
                "subprotocol",
            ),
            (
                vec![CONNECTION, ACCEPTED, ("sec-websocket-extensions", "x")],
                "extension",
            ),
        ] {
            let error = check(&headers).unwrap_err();
            assert!(error.is_decode(), "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_subprotocol_is_a_token() {
        for protocol in ["", "a b", "a,b", "é", "a/b"] {
            let error = Options::new().protocol(protocol).offer().unwrap_err();
            assert!(error.is_input(), "{protocol}: {error}");
        }
        let options = Options::new().protocol("a").protocol("v1.b");
        assert_eq!(options.offer().unwrap().unwrap(), "a, v1.b");
    }
}
