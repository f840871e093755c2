//! Images declared in code, and built on the platform.
//!
//! An [`ImageDefinition`] declares an image: a base image, packages, commands, variables and local files. Its texts
//! need no quoting. An [`ImageBuild`] adds the settings of a build, and the collection of the workload runs it
//! ([`Collection::build`](crate::Collection::build)). The result is a [`RunningBuild`], which returns the log and, at
//! the end, the workload.
//!
//! ```no_run
//! # use blaxel_core::{Error, HttpService};
//! # use blaxel_management::Management;
//! # async fn example(management: Management<impl HttpService>) -> Result<(), Error> {
//! use blaxel_management::image_builder::{Apt, ImageBuild, ImageDefinition, Pip};
//! use blaxel_management::sandboxes::Sandbox;
//!
//! let image = ImageDefinition::from_registry("python:3.12-slim")
//!     .install(Apt::new(["git"]))
//!     .install(Pip::new(["numpy>=2"]))
//!     .copy_dir("app", "/app")
//!     .workdir("/app");
//! let build = management.sandboxes().build(&Sandbox::new("dev"), &ImageBuild::new(image)).await?;
//! let sandbox = build.finish().await?;
//! # let _ = sandbox;
//! # Ok(())
//! # }
//! ```

mod archive;
mod blocking;
mod build;
mod context;
mod definition;
mod destination;
mod digest;
mod ignore;
mod installer;
mod line;
mod local;
mod log;
mod running;
mod settings;
mod template;
mod write;

use std::path::PathBuf;

use blaxel_core::Error;

pub use crate::registry_credentials::RegistryCredentials;

pub use self::build::ImageBuilt;
pub use self::definition::ImageDefinition;
pub use self::destination::Destination;
pub use self::digest::ImageDigest;
pub use self::ignore::IgnoreRules;
pub use self::installer::{
    Apk, Apt, Cargo, Composer, Gem, Go, Installer, NodeManager, NodePackages, Pip, Pipx, Uv,
};
pub use self::local::LocalDir;
pub use self::log::BuildFailure;
pub use self::running::{Buildable, RunningBuild};
pub use self::settings::ImageBuild;
pub use self::template::Template;

impl ImageDefinition {
    /// Returns a digest of everything that the image is built from. The local files are read.
    ///
    /// It needs a tokio runtime, on whose threads for blocking work it reads them.
    ///
    /// ```no_run
    /// # use blaxel_core::Error;
    /// # async fn example() -> Result<(), Error> {
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim").copy_dir("app", "/app");
    /// println!("app-{}", image.digest().await?.short());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a step is not valid or a local file cannot be read.
    pub async fn digest(&self) -> Result<ImageDigest, Error> {
        let definition = self.clone();
        blocking::run(move |cancelled| {
            digest::digest(&context::entries(&definition, cancelled)?, cancelled)
        })
        .await
    }

    /// Writes the Dockerfile and the local files into a directory, from which other programs can build the image. It
    /// is created if it does not exist.
    ///
    /// It needs a tokio runtime, on whose threads for blocking work it writes them. If it fails, or the future is
    /// dropped, the files that were written stay.
    ///
    /// ```no_run
    /// # use blaxel_core::Error;
    /// # async fn example() -> Result<(), Error> {
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim").copy_dir("app", "/app");
    /// image.write_to("target/image").await?;
    /// // Then, for example: docker build target/image
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a step is not valid, a local file cannot be read, the directory is not empty, or a file
    /// in it cannot be written.
    pub async fn write_to(&self, directory: impl Into<PathBuf>) -> Result<(), Error> {
        let (definition, directory) = (self.clone(), directory.into());
        blocking::run(move |cancelled| {
            write::write(
                &context::entries(&definition, cancelled)?,
                &directory,
                cancelled,
            )
        })
        .await
    }
}
