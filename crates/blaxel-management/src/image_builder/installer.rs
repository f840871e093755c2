//! Installations of packages, by the package managers of an image.

mod language;
mod node;
mod python;
mod system;

use blaxel_core::__private::quote;
use blaxel_core::{Error, Source};

pub use self::language::{Cargo, Composer, Gem, Go};
pub use self::node::{NodeManager, NodePackages};
pub use self::python::{Pip, Pipx, Uv};
pub use self::system::{Apk, Apt};
use super::line::refuse_nul;

/// An installation of packages: a step of [`ImageDefinition::install`](super::ImageDefinition::install).
///
/// Implement it for a package manager that this module does not have:
///
/// ```
/// use blaxel_core::Error;
/// use blaxel_management::image_builder::{ImageDefinition, Installer};
///
/// struct Dnf(&'static [&'static str]);
///
/// impl Installer for Dnf {
///     fn command(&self) -> Result<Option<String>, Error> {
///         Ok(Some(format!("dnf install -y {} && dnf clean all", self.0.join(" "))))
///     }
/// }
///
/// let image = ImageDefinition::from_registry("fedora:43").install(Dnf(&["git"]));
/// assert_eq!(image.dockerfile()?, "FROM fedora:43\nRUN dnf install -y git && dnf clean all\n");
/// # Ok::<(), Error>(())
/// ```
pub trait Installer {
    /// Returns the command line for a POSIX shell, or `None` if there is nothing to install.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a package or an option cannot be an argument of the package manager.
    fn command(&self) -> Result<Option<String>, Error>;
}

/// Declares installers: their packages, options and switches.
macro_rules! installers {
    ($(
        $(#[doc = $doc:expr])*
        pub struct $name:ident {
            $( $(#[doc = $switch_doc:expr])* $switch:ident: $default:literal, )*
        }
    )+) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[must_use]
        pub struct $name {
            packages: Vec<String>,
            options: Vec<String>,
            $( $switch: bool, )*
        }

        impl $name {
            /// Creates an installation of these packages.
            pub fn new<T: Into<String>>(packages: impl IntoIterator<Item = T>) -> Self {
                Self {
                    packages: packages.into_iter().map(Into::into).collect(),
                    options: Vec::new(),
                    $( $switch: $default, )*
                }
            }

            /// Adds an argument before the packages, as it is: an option that has no method of its own, or its
            /// value. None by default.
            pub fn option(mut self, argument: impl Into<String>) -> Self {
                self.options.push(argument.into());
                self
            }

            $(
                $(#[doc = $switch_doc])*
                pub fn $switch(mut self, enabled: bool) -> Self {
                    self.$switch = enabled;
                    self
                }
            )*
        }
    )+ };
}

use installers;

/// Returns a command with its arguments, quoted for a shell: `start` as it is, then the options and the packages.
fn command(start: &str, options: &[String], packages: &[String]) -> Result<String, Error> {
    let mut line = start.to_owned();
    for option in options {
        refuse_nul("option of an installation", option)?;
        line.push(' ');
        line.push_str(&quote(option));
    }
    for package in packages {
        check_package(package)?;
        line.push(' ');
        line.push_str(&quote(package));
    }
    Ok(line)
}

/// Returns one command for each package, all of which have to succeed.
fn command_for_each(
    start: &str,
    options: &[String],
    packages: &[String],
) -> Result<Option<String>, Error> {
    let commands: Result<Vec<String>, Error> = packages
        .iter()
        .map(|package| command(start, options, std::slice::from_ref(package)))
        .collect();
    let commands = commands?;
    Ok((!commands.is_empty()).then(|| commands.join(" && ")))
}

/// Checks that a package manager cannot take a package for one of its options.
fn check_package(package: &str) -> Result<(), Error> {
    refuse_nul("package", package)?;
    let problem = match package.trim() {
        "" => "it is empty".to_owned(),
        text if text.starts_with('-') => {
            format!("`{package}` is an option; pass it with the method `option`")
        }
        _ => return Ok(()),
    };
    Err(Error::input("package", &Source::Code, problem))
}
