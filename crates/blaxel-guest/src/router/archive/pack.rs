//! The archive itself: a tar file without compression.

use std::io;
use std::time::Duration;

use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::changes::{Change, Kind};
use crate::files::{FileKind, Files, tar_header};

/// The directory of the description.
pub(super) const TOP: &str = ".blaxel-archive/";
pub(super) const MANIFEST: &str = ".blaxel-archive/manifest.json";
pub(super) const PROCESSES: &str = ".blaxel-archive/processes.json";

/// Packs the manifest and the files that were added or modified.
pub(super) fn pack(
    files: &dyn Files,
    manifest: &impl Serialize,
    processes: &impl Serialize,
    changes: &[Change],
    now: Duration,
) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    let described = [
        (MANIFEST, serde_json::to_vec(manifest)?),
        (PROCESSES, serde_json::to_vec(processes)?),
    ];
    for (path, text) in described {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(now.as_secs());
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, path, text.as_slice())?;
    }
    for change in changes.iter().filter(|change| change.kind != Kind::Deleted) {
        append(files, &mut archive, &change.path)?;
    }
    archive.into_inner()
}

fn append(files: &dyn Files, archive: &mut Builder<Vec<u8>>, path: &str) -> io::Result<()> {
    let facts = files.link_metadata(path).map_err(io::Error::other)?;
    let name = path.trim_start_matches('/');
    let mut header = tar_header(&facts);
    match facts.kind {
        FileKind::File => {
            let content = files.read(path).map_err(io::Error::other)?;
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, name, content.as_slice())
        }
        FileKind::Directory => {
            header.set_entry_type(EntryType::Directory);
            archive.append_data(&mut header, name, io::empty())
        }
        FileKind::Symlink => {
            let target = files.read_link(path).map_err(io::Error::other)?;
            header.set_entry_type(EntryType::Symlink);
            archive.append_link(&mut header, name, target)
        }
        // Devices, pipes and sockets have no content.
        _ => Ok(()),
    }
}
