//! Input that is typed in bytes and sent as text.

use blaxel_core::{Error, Source};

/// The start of a character whose other bytes are still to come: at most 3 bytes.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<u8>);

impl Pending {
    /// Returns the complete characters of the pending bytes and these, and the bytes that are pending after them.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if they are not UTF-8.
    pub(super) fn join(&self, bytes: &[u8]) -> Result<(String, Self), Error> {
        let mut whole = self.0.clone();
        whole.extend_from_slice(bytes);
        match String::from_utf8(whole) {
            Ok(text) => Ok((text, Self::default())),
            Err(problem) => {
                let error = problem.utf8_error();
                if error.error_len().is_some() {
                    let problem = "it is not UTF-8, and the sandbox takes text only";
                    return Err(Error::input("terminal input", &Source::Code, problem));
                }
                let mut complete = problem.into_bytes();
                let rest = complete.split_off(error.valid_up_to());
                let text = String::from_utf8_lossy(&complete).into_owned();
                Ok((text, Self(rest)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_cuts_give_the_same_text(text in "\\PC{0,40}", cuts in prop::collection::vec(0_usize..160, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let (mut sent, mut pending) = (String::new(), Pending::default());
            for part in cuts.windows(2) {
                let (complete, rest) = pending.join(&bytes[part[0]..part[1]]).unwrap();
                prop_assert!(rest.0.len() < 4);
                sent += &complete;
                pending = rest;
            }
            prop_assert_eq!((sent, pending.0.len()), (text, 0));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let (text, pending) = Pending::default().join(b"a\xc3").unwrap();
        assert_eq!(text, "a");
        for bytes in [&b"x"[..], b"\xff", b"\xc3"] {
            assert!(pending.join(bytes).unwrap_err().is_input(), "{bytes:?}");
        }
        assert_eq!(pending.join(b"\xa9").unwrap().0, "é");
        assert!(Pending::default().join(b"ok\xff").unwrap_err().is_input());
    }
}
