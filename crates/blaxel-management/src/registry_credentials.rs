//! [`RegistryCredentials`]: passwords for registries of images.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::{Error, Source};
use serde_json::json;

use crate::secret_text::SecretText;

/// Credentials for registries with private images: the image of a sandbox, or the base image of a build.
///
/// ```
/// use blaxel_management::RegistryCredentials;
/// # #[cfg(feature = "sandboxes")] {
/// use blaxel_management::sandboxes::Sandbox;
///
/// let credentials = RegistryCredentials::new("ghcr.io", "robot", "hunter2");
/// assert_eq!(format!("{credentials:?}"), "RegistryCredentials([\"ghcr.io\"])");
///
/// let sandbox = Sandbox::new("dev")
///     .image("ghcr.io/acme/tools:3")
///     .docker_config(credentials.docker_config()?);
/// # let _ = sandbox;
/// # }
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RegistryCredentials {
    /// The user and the password of each registry.
    registries: BTreeMap<String, (String, SecretText)>,
}

impl RegistryCredentials {
    /// Creates the credentials for one registry, named by its host, such as `ghcr.io`. The name of Docker Hub is
    /// `https://index.docker.io/v1/`.
    pub fn new(
        registry: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<SecretText>,
    ) -> Self {
        Self::default().and(registry, user, password)
    }

    /// Adds the credentials for a further registry, or replaces those for the same one.
    pub fn and(
        mut self,
        registry: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<SecretText>,
    ) -> Self {
        self.registries
            .insert(registry.into(), (user.into(), password.into()));
        self
    }

    /// Returns the credentials in the form of a Docker configuration, for the member `docker_config` of a sandbox or of
    /// the draft of an image.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a registry, a user or a password is empty, or if a user contains a colon.
    pub fn docker_config(&self) -> Result<SecretText, Error> {
        let mut auths = serde_json::Map::new();
        for (registry, (user, password)) in &self.registries {
            let password = password.expose();
            if registry.is_empty() || user.is_empty() || password.is_empty() {
                return Err(invalid("a registry, its user or its password is empty"));
            }
            if user.contains(':') {
                return Err(invalid("a user contains a colon"));
            }
            let auth = STANDARD.encode(format!("{user}:{password}"));
            auths.insert(registry.clone(), json!({ "auth": auth }));
        }
        Ok(SecretText::from(json!({ "auths": auths }).to_string()))
    }

    /// Returns the passwords, so that they can be redacted.
    #[cfg(feature = "image-builder")]
    pub(crate) fn passwords(&self) -> impl Iterator<Item = &SecretText> {
        self.registries.values().map(|(_, password)| password)
    }
}

fn invalid(problem: &str) -> Error {
    Error::input("registry credentials", &Source::Code, problem)
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registries: Vec<&String> = self.registries.keys().collect();
        f.debug_tuple("RegistryCredentials")
            .field(&registries)
            .finish()
    }
}
