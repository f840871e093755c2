//! [`FileError`]: what went wrong with a file, beside the response that reported it.

use std::fmt;
use std::io::ErrorKind;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{ApiError, Attempts, Error, ErrorOrigin};

/// The path of a failed call, and the reason as one of the kinds of [`std::io`].
///
/// It is a [cause](Error::find_cause) of the errors that the sandbox itself reports about files. Errors of the
/// gateway, of the connection and of invalid arguments have none.
///
/// ```
/// use std::io::ErrorKind;
/// use blaxel_sandbox::files::FileError;
///
/// fn is_denied(error: &blaxel_sandbox::blaxel_core::Error) -> bool {
///     FileError::of(error).is_some_and(|file| file.kind() == ErrorKind::PermissionDenied)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    path: String,
    kind: ErrorKind,
}

impl FileError {
    /// Returns the file error among the causes of an error.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns the path that was given to the call.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the reason. It is [`ErrorKind::Other`] if the server's message is not a known one.
    ///
    /// | kind | reason |
    /// | --- | --- |
    /// | `NotFound` | there is no such file; [`Error::is_not_found`] is `true` as well |
    /// | `PermissionDenied` | the user that the sandbox runs as may not do this |
    /// | `AlreadyExists` | there is such a file, and it must not be replaced |
    /// | `IsADirectory`, `NotADirectory` | the path, or a part of it, is of the other kind |
    /// | `DirectoryNotEmpty` | the directory has entries |
    /// | `StorageFull`, `ReadOnlyFilesystem` | the file system takes no more data, or none at all |
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(path: &str, kind: ErrorKind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path `{}`", self.path)?;
        match self.kind {
            ErrorKind::Other => Ok(()),
            kind => write!(f, ": {kind}"),
        }
    }
}

impl std::error::Error for FileError {}

/// Adds the path to an error that the sandbox reported about a file. If the reason is that there is no such
/// file, the error counts as not found, whichever status the server uses for it.
pub(crate) fn about(path: &str) -> impl Fn(Error) -> Error + '_ {
    move |error| {
        let Some(api) = error
            .api()
            .filter(|api| api.origin() == ErrorOrigin::Workload)
        else {
            return error;
        };
        if error.status().is_none_or(|status| status.is_success())
            || FileError::of(&error).is_some()
        {
            return error;
        }
        let message = api.message().unwrap_or_default();
        let kind = match api.code() {
            Some("FILE_ALREADY_EXISTS") => ErrorKind::AlreadyExists,
            _ => kind_of(message),
        };
        let error = match kind {
            ErrorKind::NotFound if !error.is_not_found() => as_status(404, &error, message),
            ErrorKind::AlreadyExists if !error.is_conflict() => as_status(409, &error, message),
            _ => error,
        };
        error.caused_by(FileError::new(path, kind))
    }
}

/// Creates the error of a status that the server would have used if it was consistent.
fn as_status(status: u16, error: &Error, message: &str) -> Error {
    let body = serde_json::json!({ "error": message }).to_string();
    let response = http::Response::builder().status(status).body(());
    let Ok((head, ())) = response.map(http::Response::into_parts) else {
        return error.clone();
    };
    Error::from_response(error.operation(), &head, body.as_bytes())
        .with_attempts(Attempts::new(error.attempts()))
}

/// Returns the reason that a message of the server or of a program states.
pub(crate) fn kind_of(message: &str) -> ErrorKind {
    const KINDS: [(&str, ErrorKind); 15] = [
        ("no such file or directory", ErrorKind::NotFound),
        ("file or directory not found", ErrorKind::NotFound),
        ("directory does not exist", ErrorKind::NotFound),
        ("permission denied", ErrorKind::PermissionDenied),
        ("operation not permitted", ErrorKind::PermissionDenied),
        ("not a directory", ErrorKind::NotADirectory),
        ("is a directory", ErrorKind::IsADirectory),
        ("cannot overwrite directory", ErrorKind::IsADirectory),
        ("cannot overwrite non-directory", ErrorKind::NotADirectory),
        ("to a directory, not a file", ErrorKind::IsADirectory),
        ("to a file, not a directory", ErrorKind::NotADirectory),
        ("directory not empty", ErrorKind::DirectoryNotEmpty),
        ("file exists", ErrorKind::AlreadyExists),
        ("no space left", ErrorKind::StorageFull),
        ("read-only file system", ErrorKind::ReadOnlyFilesystem),
    ];
    let message = message.to_ascii_lowercase();
    // The reason follows the path, and the path may contain anything.
    let last = |(text, kind): &(&str, ErrorKind)| Some((message.rfind(text)?, *kind));
    KINDS
        .iter()
        .filter_map(last)
        .max_by_key(|(position, _)| *position)
        .map_or(ErrorKind::Other, |(_, kind)| kind)
}

/// Creates the error of a path that is a directory although a file is needed.
pub(crate) fn is_a_directory(path: &str) -> Error {
    Error::decode(format!("`{path}` is a directory, not a file"))
        .caused_by(FileError::new(path, ErrorKind::IsADirectory))
}

/// Creates the error of a path that is a file although a directory is needed.
pub(crate) fn not_a_directory(path: &str) -> Error {
    Error::decode(format!("`{path}` is a file, not a directory"))
        .caused_by(FileError::new(path, ErrorKind::NotADirectory))
}

/// Returns `true` if the sandbox itself says that there is no such file.
pub(crate) fn is_missing(error: &Error) -> bool {
    let by_sandbox = |api: &ApiError| api.origin() == ErrorOrigin::Workload;
    error.is_not_found() && error.api().is_some_and(by_sandbox)
}

/// Adds the path to the error of a removal. If an earlier attempt may have removed the file, it is no error that
/// there is none.
pub(super) fn settle_removal(outcome: Result<(), Error>, name: &str) -> Result<(), Error> {
    match outcome.map_err(about(name)) {
        Err(error) if is_missing(&error) && error.maybe_applied() => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::{OperationInfo, Plane};
    use http::Method;

    static READ: OperationInfo =
        OperationInfo::new("ReadFile", Method::GET, "/filesystem/{path}").with_plane(Plane::Run);

    fn error(status: u16, header: Option<(&str, &str)>, body: &str) -> Error {
        let mut response = http::Response::builder().status(status);
        if let Some((name, value)) = header {
            response = response.header(name, value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        about("/a")(Error::from_response(Some(&READ), &head, body.as_bytes()))
    }

    #[test]
    fn the_message_names_the_path_and_the_reason_if_it_is_known() {
        let message = |kind| FileError::new("/a", kind).to_string();
        assert_eq!(
            message(ErrorKind::PermissionDenied),
            "path `/a`: permission denied"
        );
        assert_eq!(message(ErrorKind::Other), "path `/a`");
    }

    #[test]
    fn the_reason_is_read_from_the_servers_messages() {
        for (status, message, kind) in [
            (
                404,
                "stat /a: no such file or directory",
                ErrorKind::NotFound,
            ),
            (404, "file or directory not found", ErrorKind::NotFound),
            (
                400,
                "specified directory does not exist: //a",
                ErrorKind::NotFound,
            ),
            (
                500,
                "error walking directory: lstat /a: no such file or directory",
                ErrorKind::NotFound,
            ),
            (
                422,
                "error writing file: open /a: permission denied",
                ErrorKind::PermissionDenied,
            ),
            (
                422,
                "error writing file: open /permission denied/a: is a directory",
                ErrorKind::IsADirectory,
            ),
            (422, "mkdir /a: not a directory", ErrorKind::NotADirectory),
            (
                422,
                "error deleting directory: remove /a: directory not empty",
                ErrorKind::DirectoryNotEmpty,
            ),
            (
                422,
                "error deleting directory: path points to a file, not a directory",
                ErrorKind::NotADirectory,
            ),
            (422, "open /a: file exists", ErrorKind::AlreadyExists),
            (
                422,
                "write /a: no space left on device",
                ErrorKind::StorageFull,
            ),
            (
                422,
                "open /a: read-only file system",
                ErrorKind::ReadOnlyFilesystem,
            ),
            (500, "something else", ErrorKind::Other),
        ] {
            let error = error(
                status,
                None,
                &serde_json::json!({ "error": message }).to_string(),
            );
            let file = FileError::of(&error).unwrap();
            assert_eq!((file.kind(), file.path()), (kind, "/a"), "{message}");
            assert_eq!(
                error.is_not_found(),
                kind == ErrorKind::NotFound,
                "{message}"
            );
            assert_eq!(
                error.is_conflict(),
                kind == ErrorKind::AlreadyExists,
                "{message}"
            );
            assert!(error.to_string().contains("`/a`"), "{error}");
        }
    }

    #[test]
    fn a_missing_sandbox_is_no_missing_file() {
        let platform = Some(("x-blaxel-source", "platform"));
        let body =
            r#"{"error":{"code":"WORKLOAD_NOT_FOUND","message":"no such file or directory"}}"#;
        let error = error(404, platform, body);
        assert!(error.is_not_found());
        assert!(!is_missing(&error));
        assert!(FileError::of(&error).is_none());
        assert!(is_missing(&self::error(
            404,
            None,
            r#"{"error":"file or directory not found"}"#
        )));
    }
}
