//! The packages of other programming languages.

use blaxel_core::Error;

use super::{Installer, command, command_for_each, installers};

installers! {
    /// Packages of Ruby, installed by `gem`.
    pub struct Gem {
        /// Sets whether their documentation is installed too. The default is `false`.
        document: false,
    }

    /// Programs of Rust, compiled by `cargo install`. The image has to contain Rust.
    pub struct Cargo {
        /// Sets whether the versions in their lock files are used. The default is `false`.
        locked: false,
    }

    /// Programs of Go, each compiled by `go install`. A program has a version, such as
    /// `golang.org/x/tools/gopls@latest`. The image has to contain Go.
    pub struct Go {}

    /// Packages of PHP, added to the project in the working directory by `composer`.
    ///
    /// ```
    /// use blaxel_management::image_builder::{Composer, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("composer:2").install(Composer::of_project().no_dev(true));
    /// assert_eq!(image.dockerfile()?, "FROM composer:2\nRUN composer install --no-interaction --no-dev\n");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub struct Composer {
        /// Sets whether packages for development are left out. The default is `false`.
        no_dev: false,
        /// Sets whether the class loader is optimized. The default is `false`.
        optimize_autoloader: false,
    }
}

impl Composer {
    /// Creates an installation of the packages that the `composer.json` in the working directory names.
    pub fn of_project() -> Self {
        Self::new::<String>([])
    }
}

impl Installer for Gem {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        let start = match self.document {
            true => "gem install",
            false => "gem install --no-document",
        };
        command(start, &self.options, &self.packages).map(Some)
    }
}

impl Installer for Cargo {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        let start = match self.locked {
            true => "cargo install --locked",
            false => "cargo install",
        };
        command(start, &self.options, &self.packages).map(Some)
    }
}

impl Installer for Go {
    fn command(&self) -> Result<Option<String>, Error> {
        // One call installs several programs only if they are of the same module.
        command_for_each("go install", &self.options, &self.packages)
    }
}

impl Installer for Composer {
    fn command(&self) -> Result<Option<String>, Error> {
        let start = match self.packages.is_empty() {
            true => "composer install",
            false => "composer require",
        };
        let no_dev = match (self.no_dev, self.packages.is_empty()) {
            (false, _) => "",
            (true, true) => " --no-dev",
            (true, false) => " --update-no-dev",
        };
        let optimize = match self.optimize_autoloader {
            true => " --optimize-autoloader",
            false => "",
        };
        let start = format!("{start} --no-interaction{no_dev}{optimize}");
        command(&start, &self.options, &self.packages).map(Some)
    }
}
