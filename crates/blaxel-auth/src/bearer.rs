//! The header value that carries a key or a token.

use http::HeaderValue;

const SCHEME: &str = "Bearer ";

/// The key or token in a value that [`header`] made.
pub(crate) fn token(header: &HeaderValue) -> Option<&str> {
    header.to_str().ok()?.strip_prefix(SCHEME)
}

/// `Bearer` and the value, marked as sensitive. Space around the value is dropped, since files and
/// shells add line ends.
///
/// # Errors
///
/// The problem with the value, without the value.
pub(crate) fn header(value: &str) -> Result<HeaderValue, String> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Err("it is empty".to_owned());
    }
    let begins_with_scheme = value
        .get(..SCHEME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    if begins_with_scheme {
        return Err("it begins with the word `Bearer`; give only what follows it".to_owned());
    }
    if let Some(at) = value.chars().position(|c| !c.is_ascii_graphic()) {
        let place = at + 1;
        return Err(format!(
            "character {place} cannot stand in an HTTP header; letters, digits and ASCII \
             punctuation can"
        ));
    }
    let mut header = HeaderValue::try_from(format!("{SCHEME}{value}"))
        .map_err(|_| "it cannot stand in an HTTP header".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}
