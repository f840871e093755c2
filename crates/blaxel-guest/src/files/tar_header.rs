//! The header of an entry in a tar archive.

use tar::{EntryType, Header};

use super::Metadata;

/// Returns the header of a regular file without content, with these facts.
pub(crate) fn tar_header(facts: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(facts.mode);
    header.set_uid(facts.user.into());
    header.set_gid(facts.group.into());
    header.set_mtime(facts.modified.as_secs());
    header.set_size(0);
    header
}
