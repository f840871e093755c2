//! File operations that the API has no call for: programs of the sandbox do them.

use std::fmt;
use std::future::IntoFuture;
use std::io::ErrorKind;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::locate::Place;
use super::mode::octal;
use super::path::RemotePath;
use super::problem::{FileError, about, kind_of};
use crate::process::{Command, Output};
use crate::remote::{DataOperation, Remote};

/// The operation by which commands run, for their errors.
static EXECUTE: OperationInfo =
    OperationInfo::new("ExecuteProcess", Method::POST, "/process").with_plane(Plane::Run);

/// Maximum number of characters of a program's message in an error.
const MAX_MESSAGE: usize = 1000;

/// Runs a program whose messages are those of the C locale. `name` is the path for the error if it fails.
pub(crate) async fn run<S: HttpService>(
    remote: &Remote<S>,
    program: &str,
    arguments: impl IntoIterator<Item = String>,
    name: &str,
) -> Result<(), Error> {
    let command = Command::new(remote.clone(), program.to_owned()).args(arguments);
    finish(command, name).await
}

/// Runs a script with arguments, as [`run`] does.
#[cfg(feature = "local-files")]
pub(crate) async fn run_script<S: HttpService>(
    remote: &Remote<S>,
    script: &str,
    arguments: impl IntoIterator<Item = String>,
    name: &str,
) -> Result<(), Error> {
    let command = Command::shell(remote.clone(), script.to_owned()).args(arguments);
    finish(command, name).await
}

async fn finish<S: HttpService>(command: Command<S>, name: &str) -> Result<(), Error> {
    let output = output(command.env("LC_ALL", "C")).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(failure(&output, name))
}

/// Runs `tar` to make an archive. A file that is written while it is read does not fail it: the archive then has a part
/// of the new content, as a copy has.
#[cfg(feature = "local-files")]
pub(crate) async fn run_tar<S: HttpService>(
    remote: &Remote<S>,
    arguments: impl IntoIterator<Item = String>,
    name: &str,
) -> Result<(), Error> {
    let command = Command::new(remote.clone(), "tar".to_owned()).args(arguments);
    let output = output(command.env("LC_ALL", "C")).await?;
    let message = String::from_utf8_lossy(&output.stderr);
    let has_only_changes = output.status.code() == Some(1)
        && !message.trim().is_empty()
        && message
            .lines()
            .all(|line| line.ends_with(": file changed as we read it"));
    if output.status.success() || has_only_changes {
        return Ok(());
    }
    Err(failure(&output, name))
}

/// Runs a command. Without its type, the compiler cannot tell that the future of a caller is `Send`.
fn output<S: HttpService>(command: Command<S>) -> BoxFuture<Result<Output, Error>> {
    Box::pin(command.output())
}

/// Returns `true` if a command failed because there is no such program.
#[cfg(feature = "local-files")]
pub(crate) fn is_missing_program(error: &Error) -> bool {
    error.status() == Some(http::StatusCode::NOT_IMPLEMENTED)
}

/// Creates the error of a failed program, with the status that the API has for the reason.
fn failure(output: &Output, name: &str) -> Error {
    let text = String::from_utf8_lossy(&output.stderr);
    let text: String = text.trim().chars().take(MAX_MESSAGE).collect();
    let kind = kind_of(&text);
    let (status, kind) = match (output.status.code(), kind) {
        // The shell has not found the program.
        (Some(127), _) => (501, ErrorKind::Unsupported),
        (_, ErrorKind::NotFound) => (404, kind),
        (_, ErrorKind::AlreadyExists) => (409, kind),
        _ => (422, kind),
    };
    let text = match (text.is_empty(), output.status.code()) {
        (false, _) => text,
        (true, Some(code)) => format!("the program ended with exit code {code}"),
        (true, None) => "the program was ended by a signal".to_owned(),
    };
    let body = json!({ "error": text }).to_string();
    let response = http::Response::builder().status(status).body(());
    let error = match response.map(http::Response::into_parts) {
        Ok((head, ())) => Error::from_response(Some(&EXECUTE), &head, body.as_bytes()),
        Err(_) => Error::decode(text),
    };
    error.caused_by(FileError::new(name, kind))
}

/// Renames a file, replacing the file that has the new name.
pub(crate) async fn rename<S: HttpService>(
    place: &Place<S>,
    from: &str,
    to: &str,
) -> Result<(), Error> {
    let source = place.absolute(from).await?;
    let target = place.absolute(to).await?;
    // With -T, an existing directory is not a place to move into.
    let arguments = ["-f", "-T", "--", source.as_str(), target.as_str()].map(str::to_owned);
    run(&place.remote, "mv", arguments, from).await
}

/// Sets the permissions of a file or directory.
pub(crate) async fn set_permissions<S: HttpService>(
    place: &Place<S>,
    name: &str,
    mode: u32,
) -> Result<(), Error> {
    let path = place.absolute(name).await?;
    let arguments = [octal(mode), "--".to_owned(), path.as_str().to_owned()];
    run(&place.remote, "chmod", arguments, name).await
}

/// A copy that is about to be made, created by [`Files::copy`](super::Files::copy). Await it to make it.
#[must_use = "nothing is sent until it is awaited"]
pub struct Copy<S> {
    place: Place<S>,
    from: String,
    to: String,
    overwrite: bool,
}

impl<S: HttpService> Copy<S> {
    pub(crate) fn new(place: Place<S>, from: &str, to: &str) -> Self {
        Self {
            place,
            from: from.to_owned(),
            to: to.to_owned(),
            overwrite: true,
        }
    }

    /// Sets whether files that exist are replaced. The default is `true`.
    ///
    /// With `false`, the server makes the copy (`POST /filesystem-copy`), which servers of before September 2026
    /// cannot. The first file that exists is then an error, and what was copied until then stays.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    async fn run(self) -> Result<(), Error> {
        let source = self.place.absolute(&self.from).await?;
        let target = self.place.absolute(&self.to).await?;
        let remote = &self.place.remote;
        if self.overwrite {
            let arguments = ["-r", "--", source.as_str(), target.as_str()].map(str::to_owned);
            return run(remote, "cp", arguments, &self.from).await;
        }
        let operation = CopyFile {
            source: &source,
            target: &target,
        };
        match remote.call(&operation).await {
            Err(error) if is_unknown_route(&error) => Err(Error::input(
                "copy without overwriting",
                &Source::Code,
                "the server of this sandbox is too old for it; upgrade the sandbox",
            )),
            Err(error) if error.is_conflict() => Err(about(&self.to)(error)),
            outcome => outcome.map_err(about(&self.from)),
        }
    }
}

/// Returns `true` if the server does not know the path of a call. It reports a missing file in JSON.
fn is_unknown_route(error: &Error) -> bool {
    error.is_not_found() && error.api().is_none_or(|api| api.members().is_empty())
}

impl<S: HttpService> IntoFuture for Copy<S> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Copy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// Copies files without replacing any.
struct CopyFile<'a> {
    source: &'a RemotePath,
    target: &'a RemotePath,
}

impl DataOperation for CopyFile<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("CopyFile", Method::POST, "/filesystem-copy").with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(&json!({
            "source": self.source.as_str(),
            "destination": self.target.as_str(),
            "noOverwrite": true,
        }))?;
        request.path([])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
