//! [`Arrival`], the parts of a request that are known before its handler is called.

use std::fmt;

use super::access::Identity;
use crate::params::Params;

/// The parts of a request that are known before its handler is called. They are in the extensions of the request.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) identity: Identity,
    pub(super) request_id: RequestId,
    /// The parameters of the path, or the reason why they cannot be read.
    pub(super) parameters: Result<Params, String>,
}

/// The id for the response to a request. It is written when it is needed.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(u64);

/// The number of digits of an id, at least and at most.
const LEAST: usize = 8;
const MOST: usize = 20;

impl RequestId {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In place, since `{:08}` takes several times as long, and each request has an id.
        let mut digits = [b'0'; MOST];
        let (mut rest, mut first) = (self.0, MOST);
        while rest > 0 {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        f.write_str("emu-")?;
        // Digits are always text.
        f.write_str(str::from_utf8(&digits[first.min(MOST - LEAST)..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_eight_digits_or_more() {
        for (number, id) in [
            (0, "emu-00000000"),
            (7, "emu-00000007"),
            (99_999_999, "emu-99999999"),
            (123_456_789, "emu-123456789"),
            (u64::MAX, "emu-18446744073709551615"),
        ] {
            assert_eq!(RequestId::new(number).to_string(), id);
        }
    }
}
