//! Bodies of uploads: a form with the permissions and the file.

use std::hash::{BuildHasher, Hasher, RandomState};

use blaxel_core::{Body, RequestWriter};
use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderValue;

use super::mode::octal;

/// A form with one file, which is filled chunk by chunk.
///
/// The content is copied once: there is room in front of it for the fields, which are written at the end.
pub(crate) struct Form {
    boundary: String,
    buffer: BytesMut,
    room: usize,
}

/// A finished form. Clones share the memory.
#[derive(Clone)]
pub(crate) struct FilledForm {
    content_type: HeaderValue,
    body: Bytes,
}

impl Form {
    /// Starts a form for a file of about this size.
    pub(crate) fn new(capacity: usize) -> Self {
        let boundary = boundary();
        let room = fields(&boundary, Some(0)).len();
        let mut buffer = BytesMut::with_capacity(capacity.saturating_add(room + 128));
        buffer.put_bytes(0, room);
        Self {
            boundary,
            buffer,
            room,
        }
    }

    /// Returns the size of the file so far.
    pub(crate) fn file_size(&self) -> usize {
        self.buffer.len() - self.room
    }

    /// Appends to the file.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.put_slice(chunk);
    }

    /// Ends the form, with the permissions as a field of it, if there are any.
    pub(crate) fn finish(mut self, mode: Option<u32>) -> FilledForm {
        let boundary = self.boundary;
        let fields = fields(&boundary, mode);
        let start = self.room.saturating_sub(fields.len());
        if let Some(room) = self.buffer.get_mut(start..self.room) {
            room.copy_from_slice(fields.as_bytes());
        }
        self.buffer
            .put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        FilledForm {
            content_type: HeaderValue::try_from(content_type)
                .unwrap_or(HeaderValue::from_static("multipart/form-data")),
            body: self.buffer.freeze().slice(start..),
        }
    }
}

impl FilledForm {
    pub(crate) fn write(&self, request: &mut RequestWriter) {
        request.body(Body::from(self.body.clone()), self.content_type.clone());
    }
}

/// Returns the text before the content of the file. The permissions come first, because older servers ignore them
/// after the file. Its length depends only on whether there are permissions.
fn fields(boundary: &str, mode: Option<u32>) -> String {
    let permissions = mode.map_or_else(String::new, |mode| {
        let mode = octal(mode);
        let field = "Content-Disposition: form-data; name=\"permissions\"";
        format!("--{boundary}\r\n{field}\r\n\r\n{mode}\r\n")
    });
    let field = "Content-Disposition: form-data; name=\"file\"; filename=\"file\"";
    let kind = "Content-Type: application/octet-stream";
    format!("{permissions}--{boundary}\r\n{field}\r\n{kind}\r\n\r\n")
}

/// Returns a text of 128 random bits, which no file contains by chance or on purpose.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("blaxel-{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(form: &FilledForm, permissions: &str) -> String {
        let content_type = form.content_type.to_str().unwrap();
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let permissions = permissions.replace("BOUNDARY", boundary);
        format!(
            "{permissions}--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nabc\r\n--{boundary}--\r\n"
        )
    }

    #[test]
    fn the_permissions_come_before_the_file() {
        let field = "--BOUNDARY\r\nContent-Disposition: form-data; name=\"permissions\"\r\n\r\n";
        for (mode, permissions) in [
            (None, String::new()),
            (Some(0o755), format!("{field}0755\r\n")),
            (Some(0o4755), format!("{field}4755\r\n")),
            (Some(0o100_644), format!("{field}0644\r\n")),
        ] {
            let mut form = Form::new(3);
            form.push(b"ab");
            form.push(b"c");
            assert_eq!(form.file_size(), 3);
            let form = form.finish(mode);
            assert_eq!(
                std::str::from_utf8(&form.body).unwrap(),
                expected(&form, &permissions)
            );
        }
    }

    #[test]
    fn boundaries_differ() {
        assert_ne!(boundary(), boundary());
    }
}
