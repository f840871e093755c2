//! Metadata of files, from servers of any age.

use blaxel_core::__private::media_type;
use blaxel_core::{ApiError, Error, HttpService};
use http::StatusCode;

use super::basics::{ReadFile, StatFile, text};
use super::entry::{Metadata, parse_time};
use super::mode::FileType;
use super::path::RemotePath;
use crate::remote::Remote;

/// Returns the metadata of a path. `HEAD` tells it, but an answer without metadata has two reasons: the server
/// is too old, or there is no such file. Reading the first byte settles it.
pub(crate) async fn stat<S: HttpService>(
    remote: &Remote<S>,
    path: &RemotePath,
) -> Result<Metadata, Error> {
    if let Some(metadata) = remote.call(&StatFile(path)).await? {
        return Ok(metadata);
    }
    let first_byte = ReadFile {
        path,
        range: Some("bytes=0-0".to_owned()),
        if_range: None,
    };
    let response = match remote.open(&first_byte).await {
        Err(error) if cannot_seek(&error) => {
            return Ok(Metadata {
                file_type: FileType::File,
                len: None,
                mode: None,
                modified: None,
            });
        }
        outcome => outcome?,
    };
    let (head, _) = response.into_parts();
    if is_listing(&head) {
        return Ok(Metadata {
            file_type: FileType::Directory,
            len: None,
            mode: None,
            modified: None,
        });
    }
    let len = match head.status {
        StatusCode::PARTIAL_CONTENT => ContentRange::of(&head).and_then(|range| range.total),
        _ => text(&head.headers, "content-length").and_then(|len| len.parse().ok()),
    };
    Ok(Metadata {
        file_type: FileType::File,
        len,
        mode: None,
        modified: text(&head.headers, "last-modified").and_then(parse_time),
    })
}

/// Returns `true` if the server could not read a file because it cannot be read from the middle. This is the case for
/// files of the kernel, such as those in `/proc`.
pub(crate) fn cannot_seek(error: &Error) -> bool {
    let message = error.api().and_then(ApiError::message);
    error.status() == Some(StatusCode::INTERNAL_SERVER_ERROR)
        && message.is_some_and(|message| message.contains("can't seek"))
}

/// Returns `true` if the response to a read is the listing of a directory. The bytes of a file may be JSON as
/// well, but they are sent as an attachment.
pub(crate) fn is_listing(head: &http::response::Parts) -> bool {
    head.status == StatusCode::OK
        && media_type(&head.headers) == "application/json"
        && !head.headers.contains_key("content-disposition")
        && !head.headers.contains_key("accept-ranges")
}

/// The header `Content-Range` of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte and the one after the last; `None` if the range is beyond the end.
    pub(crate) range: Option<(u64, u64)>,
    /// The size of the whole file.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    pub(crate) fn of(head: &http::response::Parts) -> Option<Self> {
        let (range, total) = text(&head.headers, "content-range")?
            .trim()
            .strip_prefix("bytes")?
            .trim_start()
            .split_once('/')?;
        let range = match range {
            "*" => None,
            range => {
                let (first, last) = range.split_once('-')?;
                let last: u64 = last.parse().ok()?;
                Some((first.parse().ok()?, last.checked_add(1)?))
            }
        };
        Some(Self {
            range,
            total: total.parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed() {
        let parse = |text: &str| {
            let response = http::Response::builder().header("content-range", text);
            ContentRange::of(&response.body(()).unwrap().into_parts().0)
        };
        let range = |range, total| Some(ContentRange { range, total });
        assert_eq!(parse("bytes 0-0/3"), range(Some((0, 1)), Some(3)));
        assert_eq!(parse("bytes 5-9/*"), range(Some((5, 10)), None));
        assert_eq!(parse("bytes */2"), range(None, Some(2)));
        for invalid in [
            "",
            "items 0-0/3",
            "bytes 0/3",
            "bytes 0-18446744073709551615/3",
            "bytes a-b/c",
        ] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }
}
