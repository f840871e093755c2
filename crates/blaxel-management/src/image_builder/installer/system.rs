//! The packages of Linux distributions.

use blaxel_core::Error;

use super::{Installer, command, installers};

installers! {
    /// Packages of Debian and Ubuntu, installed by `apt-get`.
    ///
    /// ```
    /// use blaxel_management::image_builder::{Apt, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim").install(Apt::new(["git", "curl"]));
    /// assert!(image.dockerfile()?.contains("apt-get install -y --no-install-recommends git curl"));
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub struct Apt {
        /// Sets whether the lists of packages are fetched first. The default is `true`, because images usually
        /// have none.
        update: true,
        /// Sets whether the lists of packages are deleted afterwards, which makes the image smaller. The default
        /// is `true`.
        clean: true,
        /// Sets whether recommended packages are installed too. The default is `false`.
        recommends: false,
    }

    /// Packages of Alpine, installed by `apk`.
    ///
    /// ```
    /// use blaxel_management::image_builder::{Apk, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("alpine:3.22").install(Apk::new(["git"]));
    /// assert_eq!(image.dockerfile()?, "FROM alpine:3.22\nRUN apk add --no-cache git\n");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub struct Apk {
        /// Sets whether the lists of packages are kept in the image. The default is `false`. If `true`, they are
        /// fetched first.
        keep_cache: false,
    }
}

impl Installer for Apt {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        // Without the variable, a package that asks a question makes the build wait.
        let mut start = "DEBIAN_FRONTEND=noninteractive apt-get install -y".to_owned();
        if !self.recommends {
            start.push_str(" --no-install-recommends");
        }
        let install = command(&start, &self.options, &self.packages)?;
        let update = if self.update {
            "apt-get update && "
        } else {
            ""
        };
        let clean = if self.clean {
            " && rm -rf /var/lib/apt/lists/*"
        } else {
            ""
        };
        Ok(Some(format!("{update}{install}{clean}")))
    }
}

impl Installer for Apk {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        let start = match self.keep_cache {
            true => "apk update && apk add",
            false => "apk add --no-cache",
        };
        command(start, &self.options, &self.packages).map(Some)
    }
}
