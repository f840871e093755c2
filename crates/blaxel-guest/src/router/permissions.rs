//! The permissions that a request gives in octal.

/// The bits that the process of the server removes from the modes of what it creates.
const MASK: u32 = 0o022;

/// The mode of a file without other wishes.
pub(super) const FILE: u32 = 0o644;
/// The mode of a directory without other wishes.
pub(super) const DIRECTORY: u32 = 0o755;

/// Reads permissions. Returns a sentence that names the text if it is not an octal number.
pub(super) fn parse(text: &str) -> Result<u32, String> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    match u32::from_str_radix(text, 8) {
        Ok(mode) if is_octal => Ok(mode),
        Err(_) if is_octal => Err(format!("parsing \"{text}\": value out of range")),
        _ => Err(format!("parsing \"{text}\": invalid syntax")),
    }
}

/// Returns the mode of something that is created with these permissions.
pub(super) fn masked(permissions: u32) -> u32 {
    permissions & 0o777 & !MASK
}
