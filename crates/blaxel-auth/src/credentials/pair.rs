//! The id and secret of a service account in one string.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use blaxel_core::__private::trim_setting;
use blaxel_core::Secret;

const NEITHER: &str = "they are neither `id:secret` nor its Base64";

/// Parses `id:secret`, or the Base64 of it. The id ends at the first colon.
///
/// # Errors
///
/// Describes the problem with the text, without the text.
pub(super) fn parse(text: &str) -> Result<(String, Secret), &'static str> {
    let text = trim_setting(text);
    if text.is_empty() {
        return Err("they are empty");
    }
    let decoded;
    let pair = if text.contains(':') {
        text
    } else {
        decoded = decode(text)?;
        // They are usually encoded in a shell pipe, which easily adds a line end, or a byte order mark.
        decoded.expose().trim_matches(['\r', '\n', '\u{feff}'])
    };
    let (id, secret) = pair.split_once(':').ok_or(NEITHER)?;
    Ok((id.to_owned(), secret.into()))
}

/// Checks that a token request can carry the id and the secret.
///
/// # Errors
///
/// Describes the problem with the id or the secret, without either.
pub(super) fn check(id: &str, secret: &Secret) -> Result<(), &'static str> {
    let printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if id.is_empty() {
        Err("the id is empty")
    } else if secret.is_empty() {
        Err("the secret is empty")
    } else if id.contains(':') {
        Err("the id contains a colon")
    } else if !printable(id) {
        Err("the id contains a character other than printable ASCII")
    } else if !printable(secret.expose()) {
        Err("the secret contains a character other than printable ASCII")
    } else {
        Ok(())
    }
}

fn decode(text: &str) -> Result<Secret, &'static str> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let whole: Secret = text.replace(['\r', '\n'], "").into();
    let bytes = GeneralPurpose::new(&STANDARD, LENIENT)
        .decode(whole.expose())
        .map_err(|_| NEITHER)?;
    let text = String::from_utf8(bytes).map_err(|_| NEITHER)?;
    Ok(text.into())
}
