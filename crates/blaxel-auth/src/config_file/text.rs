//! The text of the file, and the signs that a part of it is missing.
//!
//! The CLI truncates the file and then writes it, so another process may see the beginning only, and a crash
//! leaves it so. The beginning of a YAML document is often a document too. Files written by
//! [`ConfigWriter`](crate::ConfigWriter) end in a line that their first line announces. Of other files only the
//! missing end of the last line can be noticed.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use blaxel_core::Secret;

use crate::small_file;

/// The first line of a file that ends in [`LAST_LINE`].
pub(super) const FIRST_LINE: &str =
    "# This file is complete if its last line is \"# end of file\".\n";
pub(super) const LAST_LINE: &str = "# end of file\n";

/// The time that the CLI may take from truncating the file until it is written.
const WRITING_TIME: Duration = Duration::from_millis(50);
/// The age from which nobody is still writing a file.
const SETTLED_AGE: Duration = Duration::from_secs(2);

/// The content of a file.
pub(super) struct Text {
    pub(super) text: Secret,
    /// `true` if the end of the file is certainly there.
    #[cfg(feature = "config-write")]
    pub(super) is_marked: bool,
}

impl Text {
    /// Reads a file, and returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Describes why the file is unusable, without its content.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match small_file::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let absent = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
                return if absent {
                    Ok(None)
                } else {
                    Err(error.to_string())
                };
            }
        };
        small_file::check_encoding(&bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Self::new(Secret::new(text)).map(Some)
    }

    fn new(text: Secret) -> Result<Self, String> {
        let whole = text.expose();
        let announced = whole.starts_with(FIRST_LINE);
        let is_marked = announced && whole.contains(LAST_LINE);
        let is_cut = announced != is_marked || FIRST_LINE.starts_with(whole) && !whole.is_empty();
        if is_cut {
            let problem = "its end is missing; restore it from a copy, or remove its first line if it is complete";
            return Err(problem.to_owned());
        }
        Ok(Self {
            text,
            #[cfg(feature = "config-write")]
            is_marked,
        })
    }

    /// Returns `true` if the last line has no end: a part of it may be missing.
    pub(super) fn ends_within_a_line(&self) -> bool {
        let text = self.text.expose();
        !text.is_empty() && !text.ends_with(['\n', '\r'])
    }
}

/// Waits until another process has probably finished to write a file, if the file has changed just now. Returns
/// `true` if it has.
pub(super) fn settle(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    // A time in the future says nothing.
    let is_settled = changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > SETTLED_AGE));
    if !is_settled {
        std::thread::sleep(WRITING_TIME);
    }
    !is_settled
}
