//! The packages of JavaScript.

use blaxel_core::{Error, Source};

use super::{Installer, command};

/// A package manager of JavaScript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeManager {
    /// The one that Node.js contains.
    #[default]
    Npm,
    /// Yarn.
    Yarn,
    /// Pnpm.
    Pnpm,
    /// The one of Bun.
    Bun,
}

/// JavaScript packages, installed by npm, Yarn, pnpm or Bun. Without packages, those of the `package.json` in the
/// working directory are installed.
///
/// ```
/// use blaxel_management::image_builder::{ImageDefinition, NodeManager, NodePackages};
///
/// let tools = NodePackages::new(["typescript@5"]).global(true);
/// let own = NodePackages::of_manifest().manager(NodeManager::Pnpm);
/// let image = ImageDefinition::from_registry("node:24-slim").install(tools).install(own);
/// assert_eq!(
///     image.dockerfile()?,
///     "FROM node:24-slim\nRUN npm install -g typescript@5\nRUN pnpm install\n"
/// );
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NodePackages {
    manager: NodeManager,
    packages: Vec<String>,
    options: Vec<String>,
    global: bool,
    dev: bool,
}

impl NodePackages {
    /// Creates an installation of these packages, by npm.
    pub fn new<T: Into<String>>(packages: impl IntoIterator<Item = T>) -> Self {
        Self {
            manager: NodeManager::Npm,
            packages: packages.into_iter().map(Into::into).collect(),
            options: Vec::new(),
            global: false,
            dev: false,
        }
    }

    /// Creates an installation of the packages that the `package.json` in the working directory names, by npm.
    pub fn of_manifest() -> Self {
        Self::new::<String>([])
    }

    /// Sets the package manager. The default is [`NodeManager::Npm`].
    pub fn manager(mut self, manager: NodeManager) -> Self {
        self.manager = manager;
        self
    }

    /// Adds an argument before the packages, as it is: an option that has no method of its own, or its value.
    /// None by default.
    pub fn option(mut self, argument: impl Into<String>) -> Self {
        self.options.push(argument.into());
        self
    }

    /// Sets whether the packages are installed for all projects. The default is `false`. It needs packages.
    pub fn global(mut self, enabled: bool) -> Self {
        self.global = enabled;
        self
    }

    /// Sets whether the packages are recorded as needed for development only. The default is `false`. It needs
    /// packages, and excludes [`global`](Self::global).
    pub fn dev(mut self, enabled: bool) -> Self {
        self.dev = enabled;
        self
    }

    /// Returns the command before the options and the packages.
    fn start(&self) -> Result<&'static str, Error> {
        use NodeManager::{Bun, Npm, Pnpm, Yarn};

        let refuse = |problem| Err(Error::input("packages", &Source::Code, problem));
        match (self.global, self.dev) {
            (true, true) => {
                return refuse("they are global, and those have no development packages");
            }
            (false, false) => {}
            _ if self.packages.is_empty() => {
                return refuse("those of a package.json are neither global nor for development");
            }
            _ => {}
        }
        let adds = !self.packages.is_empty();
        Ok(match (self.manager, self.global, self.dev) {
            (Npm, true, _) => "npm install -g",
            (Npm, _, true) => "npm install --save-dev",
            (Npm, ..) => "npm install",
            (Yarn, true, _) => "yarn global add",
            (Yarn, _, true) => "yarn add --dev",
            (Yarn, ..) if adds => "yarn add",
            (Yarn, ..) => "yarn install",
            (Pnpm, true, _) => "pnpm add -g",
            (Pnpm, _, true) => "pnpm add -D",
            (Pnpm, ..) if adds => "pnpm add",
            (Pnpm, ..) => "pnpm install",
            (Bun, true, _) => "bun add -g",
            (Bun, _, true) => "bun add -d",
            (Bun, ..) if adds => "bun add",
            (Bun, ..) => "bun install",
        })
    }
}

impl Installer for NodePackages {
    fn command(&self) -> Result<Option<String>, Error> {
        command(self.start()?, &self.options, &self.packages).map(Some)
    }
}
