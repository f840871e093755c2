//! [`ImageBuild`]: the settings of a build.

use std::collections::BTreeMap;
use std::fmt;

use blaxel_core::{Error, Source};

use super::archive::{Packed, pack};
use super::context::{self, Entry};
use super::definition::ImageDefinition;
use super::template::check_variable_name;
use crate::metadata::Status;
use crate::registry_credentials::RegistryCredentials;
use crate::secret_text::SecretText;
use crate::size::Megabytes;
use crate::upload::{Progress, UploadSource};
use crate::wait::Wait;

/// The most memory and disk that a build can have, in megabytes.
const MAX_MEMORY: u32 = 32_768;
const MAX_VOLUME: u32 = 131_072;

/// The files of an archive that hold the build arguments and the registry credentials.
const ARGUMENTS_FILE: &str = ".env.build";
const DOCKER_CONFIG_FILE: &str = ".docker/config.json";

/// A function that is called with the progress of an upload.
type ProgressCallback = std::sync::Arc<dyn Fn(Progress) + Send + Sync>;

/// A function that is called with the status of a build.
pub(super) type StatusCallback = std::sync::Arc<dyn Fn(&Status) + Send + Sync>;

/// A build of an [`ImageDefinition`]: its settings, arguments and credentials.
///
/// ```
/// use blaxel_management::Megabytes;
/// use blaxel_management::image_builder::{ImageBuild, ImageDefinition, RegistryCredentials};
///
/// let image = ImageDefinition::from_registry("ghcr.io/acme/base:3").arg("VERSION").run("./setup $VERSION");
/// let build = ImageBuild::new(image)
///     .memory(Megabytes::gigabytes(8))
///     .argument("VERSION", "1.4")
///     .registry(RegistryCredentials::new("ghcr.io", "robot", "hunter2"));
/// # let _ = build;
/// ```
#[derive(Clone)]
#[must_use]
pub struct ImageBuild {
    definition: ImageDefinition,
    sandbox_api: Option<String>,
    memory: Option<Megabytes>,
    volume: Option<Megabytes>,
    region: Option<String>,
    arguments: BTreeMap<String, SecretText>,
    registries: RegistryCredentials,
    on_progress: Option<ProgressCallback>,
    pub(super) on_status: Option<StatusCallback>,
    pub(super) rebuild: bool,
    pub(super) wait: Wait,
}

impl ImageBuild {
    /// Creates a build with the platform's settings.
    pub fn new(definition: ImageDefinition) -> Self {
        Self {
            definition,
            sandbox_api: Some("latest".to_owned()),
            memory: None,
            volume: None,
            region: None,
            arguments: BTreeMap::new(),
            registries: RegistryCredentials::default(),
            on_progress: None,
            on_status: None,
            rebuild: false,
            wait: Wait::new(),
        }
    }

    /// Sets the memory of the machine that builds: 1 to 32768 MB. The platform chooses by default.
    pub fn memory(mut self, memory: impl Into<Megabytes>) -> Self {
        self.memory = Some(memory.into());
        self
    }

    /// Sets the disk of the machine that builds: up to 131072 MB, or 0 to use its memory instead. The platform
    /// chooses by default.
    pub fn volume(mut self, volume: impl Into<Megabytes>) -> Self {
        self.volume = Some(volume.into());
        self
    }

    /// Sets the region to build in, such as `us-was-1`. The platform chooses by default.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets a build argument, which the definition has to declare with [`ImageDefinition::arg`]. None by default.
    ///
    /// The value is never printed by this crate, but it is not a secret for those who can read the image: its
    /// history contains the arguments.
    pub fn argument(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        self.arguments.insert(name.into(), value.into());
        self
    }

    /// Sets the credentials for private images that the definition uses. None by default. They are no part of the
    /// image.
    pub fn registry(mut self, credentials: RegistryCredentials) -> Self {
        self.registries = credentials;
        self
    }

    /// Sets the version of the server that is added to images of sandboxes. The default is `latest`. `None` adds
    /// no step: the definition contains and starts the server itself. See [`ImageDefinition::with_sandbox_api`].
    pub fn sandbox_api(mut self, version: Option<&str>) -> Self {
        self.sandbox_api = version.map(str::to_owned);
        self
    }

    /// Sets whether a sandbox is built again although it was built from the same definition. The default is
    /// `false`.
    pub fn rebuild(mut self, enabled: bool) -> Self {
        self.rebuild = enabled;
        self
    }

    /// Sets the interval of polls and the limits of waiting. The defaults are those of [`Wait::new`]. The state before
    /// the build is known, so [`Wait::since`] has no effect.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Sets a function that is called with the progress of the upload. None by default. See
    /// [`UploadSource::on_progress`].
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(std::sync::Arc::new(callback));
        self
    }

    /// Sets a function that is called with each new status of the workload or image while the build is followed, such
    /// as [`Status::Building`]. None by default. A status that lasts for less than the interval of polls can be missed.
    ///
    /// ```
    /// use blaxel_management::image_builder::{ImageBuild, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim").run("useradd app");
    /// let build = ImageBuild::new(image).on_status(|status| eprintln!("{status}"));
    /// # let _ = build;
    /// ```
    pub fn on_status(mut self, callback: impl Fn(&Status) + Send + Sync + 'static) -> Self {
        self.on_status = Some(std::sync::Arc::new(callback));
        self
    }

    /// Returns the labels that ask for the settings.
    pub(super) fn labels(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut labels = Vec::new();
        if let Some(memory) = self.memory {
            check_size("build memory", memory, 1, MAX_MEMORY)?;
            labels.push(("x-blaxel-build-memory", memory.get().to_string()));
        }
        if let Some(volume) = self.volume {
            check_size("build volume", volume, 0, MAX_VOLUME)?;
            labels.push(("x-blaxel-build-volume", volume.get().to_string()));
        }
        if let Some(region) = &self.region {
            check_region(region)?;
            labels.push(("x-blaxel-build-region", region.clone()));
        }
        Ok(labels)
    }

    /// Finds and measures the files of the build.
    pub(super) async fn pack(&self, is_sandbox: bool) -> Result<Packed, Error> {
        let definition = match &self.sandbox_api {
            Some(version) if is_sandbox => self.definition.clone().with_sandbox_api(version),
            _ => self.definition.clone(),
        };
        let mut hidden = Vec::new();
        if !self.arguments.is_empty() {
            hidden.push(Entry::bytes(ARGUMENTS_FILE, self.arguments_file()?));
        }
        if self.registries.passwords().next().is_some() {
            let config = self.registries.docker_config()?;
            let mut entry = Entry::bytes(DOCKER_CONFIG_FILE, config.expose().to_owned());
            entry.is_counted = false;
            hidden.push(entry);
        }
        pack(move |cancelled| {
            let entries = context::entries(&definition, cancelled)?;
            // Their names begin with a dot, and so sort before all others.
            hidden.sort_by(|one, other| one.path.cmp(&other.path));
            hidden.extend(entries);
            Ok(hidden)
        })
        .await
    }

    /// Returns the source of the upload.
    pub(super) fn source(&self, packed: &Packed) -> UploadSource {
        let source = packed.source();
        match self.on_progress.clone() {
            Some(callback) => source.on_progress(move |progress| callback(progress)),
            None => source,
        }
    }

    /// Returns the texts that errors must not contain.
    pub(super) fn secrets(&self) -> Vec<SecretText> {
        let passwords = self.registries.passwords();
        self.arguments.values().chain(passwords).cloned().collect()
    }

    /// Returns the arguments as the builder reads them: one a line, without white space around them.
    fn arguments_file(&self) -> Result<String, Error> {
        let mut text = String::new();
        for (name, value) in &self.arguments {
            check_variable_name("build argument", name)?;
            let value = value.expose();
            if value.contains(['\n', '\r', '\0']) || value.trim() != value {
                let problem = format!(
                    "the value of `{name}` contains a line break or has white space around it, which \
                     build arguments cannot; copy a file instead"
                );
                return Err(Error::input("build argument", &Source::Code, problem));
            }
            text.push_str(name);
            text.push('=');
            text.push_str(value);
            text.push('\n');
        }
        Ok(text)
    }
}

/// Checks an amount of memory or disk.
fn check_size(what: &str, size: Megabytes, least: u32, most: u32) -> Result<(), Error> {
    if (least..=most).contains(&size.get()) {
        return Ok(());
    }
    let problem = format!("{size} is not between {least} and {most} MB");
    Err(Error::input(what, &Source::Code, problem))
}

/// Checks the name of a region. The platform would ignore an invalid one.
fn check_region(region: &str) -> Result<(), Error> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=63).contains(&region.len()) && region.bytes().all(is_part) && !region.starts_with('-') {
        return Ok(());
    }
    let problem = format!("`{region}` is not a name such as `us-was-1`");
    Err(Error::input("build region", &Source::Code, problem))
}

impl fmt::Debug for ImageBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<&String> = self.arguments.keys().collect();
        f.debug_struct("ImageBuild")
            .field("definition", &self.definition)
            .field("memory", &self.memory)
            .field("volume", &self.volume)
            .field("region", &self.region)
            .field("arguments", &arguments)
            .field("registries", &self.registries)
            .finish_non_exhaustive()
    }
}
