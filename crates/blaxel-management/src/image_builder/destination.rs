//! [`Destination`]: the path of a copy in an image, its owner and its permissions.

use blaxel_core::{Error, Source};

use super::template::Template;

/// The largest permissions of a file: those of all users, and the three special bits.
const MAX_MODE: u32 = 0o7777;

/// The place in an image that a step copies to: a path, and optionally an owner and permissions.
///
/// The steps that copy take a text too, which is the path alone.
///
/// ```
/// use blaxel_management::image_builder::{Destination, ImageDefinition};
///
/// let start = Destination::new("/usr/local/bin/start").owner("app:staff").mode(0o755);
/// let image = ImageDefinition::from_registry("debian:bookworm-slim").copy_bytes("#!/bin/sh\nexec app\n", start);
/// assert_eq!(
///     image.dockerfile()?,
///     "FROM debian:bookworm-slim\n\
///      COPY --chown=app:staff --chmod=755 [\"local/0\",\"/usr/local/bin/start\"]\n"
/// );
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Destination {
    pub(super) path: Template,
    owner: Option<String>,
    mode: Option<u32>,
}

impl Destination {
    /// Creates a destination from a path, which is relative to the working directory unless it begins with `/`.
    pub fn new(path: impl Into<Template>) -> Self {
        Self {
            path: path.into(),
            owner: None,
            mode: None,
        }
    }

    /// Sets the owner of the copies: names or numbers of a user and a group of the image, as in `app`, `1000` or
    /// `app:staff`. By default, local files belong to `root`, whatever the [user](super::ImageDefinition::user) of the
    /// steps is.
    #[doc(alias = "chown")]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the permissions of the copies, such as `0o644`, at most `0o7777`. By default, local directories and
    /// executable files have `0o755`, and other local files `0o644`. Files of another image keep theirs.
    ///
    /// A directory and all files below it get the same permissions.
    #[doc(alias = "chmod")]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Returns the options of an instruction, each followed by a space.
    pub(super) fn options(&self) -> Result<String, Error> {
        let mut options = String::new();
        if let Some(owner) = &self.owner {
            check_owner(owner)?;
            options.push_str(&format!("--chown={owner} "));
        }
        if let Some(mode) = self.mode {
            if mode > MAX_MODE {
                let problem = format!("{mode:#o} is not between 0o0 and {MAX_MODE:#o}");
                return Err(Error::input(
                    "permissions of a copy",
                    &Source::Code,
                    problem,
                ));
            }
            options.push_str(&format!("--chmod={mode:03o} "));
        }
        Ok(options)
    }
}

/// Checks the owner of files: a user, or a user and a group.
fn check_owner(owner: &str) -> Result<(), Error> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && name.bytes().all(is_part)
    };
    let (user, group) = owner.split_once(':').unwrap_or((owner, "root"));
    if is_name(user) && is_name(group) {
        return Ok(());
    }
    let problem = format!("`{owner}` is not a user or a user and a group, such as `app:staff`");
    Err(Error::input("owner of a copy", &Source::Code, problem))
}

impl From<Template> for Destination {
    fn from(path: Template) -> Self {
        Self::new(path)
    }
}

impl From<String> for Destination {
    fn from(path: String) -> Self {
        Self::new(path)
    }
}

impl From<&str> for Destination {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}
