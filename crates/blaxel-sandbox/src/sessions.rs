//! Sessions: addresses with tokens, by which programs without a credential use a sandbox.
//!
//! The API has no object for a session. It is a private preview of the sandbox's own API, whose name begins with
//! `session-`, and a token of that preview.

mod options;
mod session;

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService, Timestamp};
use blaxel_management::Collection;
use blaxel_management::Status;
use blaxel_management::sandboxes::{Preview, PreviewToken, Sandbox};

pub use self::options::SessionOptions;
pub use self::session::{ExposedSession, Session};
use crate::sandbox::SandboxHandle;
use crate::sandboxes::Sandboxes;

/// The start of the names of previews that are sessions.
const PREFIX: &str = "session-";

/// The port of the sandbox's own API.
const PORT: u32 = 443;

/// Number of names that are tried for a session without one.
const NAMES: u32 = 3;

/// The sessions of a sandbox. [`Sandboxes::sessions`] returns it.
///
/// A session lets a program without a credential, such as one in a browser, use a sandbox until the session ends. It
/// consists of an address and a token. Whoever has both can run commands and read and write files in the sandbox.
#[derive(Clone)]
pub struct Sessions<S> {
    previews: Collection<Preview, S>,
}

impl<S: HttpService> Sandboxes<S> {
    /// Returns a handle on the sessions of the sandbox `name`.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::SessionOptions;
    ///
    /// let session = sandboxes.sessions("dev").create_if_expired(&SessionOptions::new()).await?;
    /// // The address and the token are all that the other program needs.
    /// let json = serde_json::to_string(&session.expose()).unwrap_or_default();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sessions(&self, name: &str) -> Sessions<S> {
        let sandboxes: Collection<Sandbox, S> = self.collection();
        Sessions {
            previews: sandboxes.previews(name),
        }
    }

    /// Returns a handle on the sandbox of a session. Nothing is sent before it is used.
    ///
    /// It is [`session`](Self::session) with the address and the token of the session.
    #[must_use]
    pub fn join_session(&self, session: &Session) -> SandboxHandle<S> {
        self.session(session.url.clone(), session.token.clone())
    }
}

impl<S: HttpService> Sessions<S> {
    /// Creates a session (`POST /sandboxes/{sandboxName}/previews`, then a token of the preview).
    ///
    /// If the token cannot be created, the preview is deleted again. A future that is dropped in between leaves a
    /// preview that ends at the same time as the session would.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a lifetime of zero; [`Error::is_conflict`] if there is a session of the given name;
    /// otherwise the error of a call.
    pub async fn create(&self, options: &SessionOptions) -> Result<Session, Error> {
        options.check()?;
        let now = Timestamp::now();
        let expires = now.saturating_add(options.lifetime());
        let preview = self.create_preview(options, &now, &expires).await?;
        let name = &preview.metadata.name;
        let token = PreviewToken::until(format!("token-{}", milliseconds(&now)), expires.clone());
        let session = match self.previews.tokens(name).create(&token).await {
            Ok(token) => Session::of(&preview, &token).ok_or_else(|| {
                let message =
                    format!("the session `{name}` was created without an address or a token");
                Error::decode(message)
            }),
            Err(error) => Err(error),
        };
        if session.is_err() {
            // It cannot be used without a token, and ends by itself if this fails.
            let _ = self.previews.delete(name).await;
        }
        session
    }

    /// Creates the preview of a session. A name that is taken in the same millisecond is not used.
    async fn create_preview(
        &self,
        options: &SessionOptions,
        now: &Timestamp,
        expires: &Timestamp,
    ) -> Result<Preview, Error> {
        let start = milliseconds(now);
        let mut attempt: u32 = 0;
        loop {
            let name = match options.preview_name() {
                Some(name) => name,
                None => format!("{PREFIX}{}", start.saturating_add(u128::from(attempt))),
            };
            let mut preview = Preview::of_port(name, PORT).public(false);
            preview.spec.expires = Some(expires.clone());
            preview.spec.request_headers = options.request_headers();
            preview.spec.response_headers = options.response_headers();
            attempt = attempt.saturating_add(1);
            match self.previews.create(&preview).await {
                Err(error)
                    if error.is_conflict()
                        && options.preview_name().is_none()
                        && attempt < NAMES => {}
                outcome => return outcome,
            }
        }
    }

    /// Returns the sessions that can be used, in the order of the list (`GET /sandboxes/{sandboxName}/previews`, then
    /// the tokens of each session, one call for each).
    ///
    /// Of several tokens, a session has the one that ends last. Sessions without a valid token are left out.
    ///
    /// # Errors
    ///
    /// The error of a call.
    pub async fn list(&self) -> Result<Vec<Session>, Error> {
        let mut sessions = Vec::new();
        let mut previews = self.previews.items();
        while let Some(preview) = previews.try_next().await? {
            if is_session(&preview) {
                sessions.extend(self.session_of(&preview).await?);
            }
        }
        Ok(sessions)
    }

    /// Returns the session `name`, as [`list`](Self::list) shows it, with or without the prefix `session-`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no session of this name; [`Error::is_failed`] if it has no valid token any
    /// more; otherwise the error of a call.
    pub async fn get(&self, name: &str) -> Result<Session, Error> {
        let name = prefixed(name);
        let preview = self.previews.get(&name).await?;
        let session = self.session_of(&preview).await?;
        session.ok_or_else(|| Error::failed(format!("the session `{name}` has no valid token")))
    }

    /// Deletes the session `name`, and waits for at most 10 seconds until it does not exist any more
    /// (`DELETE /sandboxes/{sandboxName}/previews/{previewName}`). Its tokens end at once.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no session of this name; [`Error::is_timeout`] if it still exists after 10
    /// seconds; otherwise the error of a call.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.previews.delete_and_wait(&prefixed(name)).await
    }

    /// Returns the session that ends last if it is valid for long enough, and creates one otherwise.
    ///
    /// "Long enough" is [`SessionOptions::min_validity`], one hour by default. Sessions that are not returned stay as
    /// they are, because other programs may use them; but if the options have a name, a session of this name is
    /// deleted before the new one is created. Two calls at the same time may create two sessions.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the lifetime is shorter than the required validity; otherwise those of
    /// [`list`](Self::list) and [`create`](Self::create).
    pub async fn create_if_expired(&self, options: &SessionOptions) -> Result<Session, Error> {
        options.check_validity()?;
        let end = Timestamp::now().saturating_add(options.required_validity());
        let sessions = self.list().await?.into_iter();
        let valid = sessions.filter(|session| {
            options.is_named(&session.name)
                && session.expires_at.as_ref().is_none_or(|at| *at >= end)
        });
        // One without an end ends last.
        let last =
            valid.max_by_key(|session| (session.expires_at.is_none(), session.expires_at.clone()));
        if let Some(session) = last {
            return Ok(session);
        }
        match (self.create(options).await, options.preview_name()) {
            // The session of this name ends too soon.
            (Err(error), Some(name)) if error.is_conflict() => {
                match self.previews.delete_and_wait(&name).await {
                    Err(error) if !error.is_not_found() => Err(error),
                    _ => self.create(options).await,
                }
            }
            (outcome, _) => outcome,
        }
    }

    /// Returns the session of a preview with its valid token that ends last, if it has one.
    async fn session_of(&self, preview: &Preview) -> Result<Option<Session>, Error> {
        let now = Timestamp::now();
        let is_over = |end: &Timestamp| end.unix().is_some() && *end <= now;
        if preview.spec.expires.as_ref().is_some_and(is_over) {
            return Ok(None);
        }
        let tokens = match self.previews.tokens(&preview.metadata.name).all().await {
            // It was deleted in between.
            Err(error) if error.is_not_found() => return Ok(None),
            outcome => outcome?,
        };
        let last = tokens
            .iter()
            .filter(|token| token.is_valid_at(&now))
            .max_by_key(|token| (token.spec.expires_at.is_none(), &token.spec.expires_at));
        Ok(last.and_then(|token| Session::of(preview, token)))
    }
}

impl<S> fmt::Debug for Sessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Returns `true` for a preview that is a session and is not being deleted.
fn is_session(preview: &Preview) -> bool {
    preview.metadata.name.contains(PREFIX) && preview.status != Some(Status::Deleting)
}

/// Returns the name of the preview of a session.
fn prefixed(name: &str) -> String {
    if name.contains(PREFIX) {
        name.to_owned()
    } else {
        format!("{PREFIX}{name}")
    }
}

/// Returns the milliseconds since 1970.
fn milliseconds(time: &Timestamp) -> u128 {
    let since = time.duration_since(&Timestamp::from_unix(0, 0));
    since.unwrap_or_default().as_millis()
}
