//! The header value that carries an API key or token.

use blaxel_core::__private::trim_setting;
use http::HeaderValue;

const SCHEME: &str = "Bearer ";

/// Returns the key or token in a value that [`header`] created.
pub(crate) fn token(header: &HeaderValue) -> Option<&str> {
    header.to_str().ok()?.strip_prefix(SCHEME)
}

/// Creates the header value `Bearer` and `value`, marked as sensitive. Surrounding whitespace is removed,
/// since files and shells add line ends and byte order marks.
///
/// # Errors
///
/// Describes the problem with the value, without the value.
pub(crate) fn header(value: &str) -> Result<HeaderValue, String> {
    let value = trim_setting(value);
    if value.is_empty() {
        return Err("it is empty".to_owned());
    }
    let begins_with_scheme = value
        .get(..SCHEME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    if begins_with_scheme {
        return Err("it begins with the word `Bearer`; give only the part after it".to_owned());
    }
    if let Some(at) = value.chars().position(|c| !c.is_ascii_graphic()) {
        let number = at + 1;
        return Err(format!(
            "character {number} is not allowed in an HTTP header; only letters, digits and ASCII \
             punctuation are"
        ));
    }
    let mut header = HeaderValue::try_from(format!("{SCHEME}{value}"))
        .map_err(|_| "it is not allowed in an HTTP header".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}
