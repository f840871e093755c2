//! The packages of Python.

use blaxel_core::Error;

use super::{Installer, command, command_for_each, installers};

installers! {
    /// Python packages, installed by `pip`. A package can have a version or extras, such as
    /// `uvicorn[standard]>=0.34`.
    ///
    /// ```
    /// use blaxel_management::image_builder::{ImageDefinition, Pip};
    ///
    /// let pip = Pip::new(["numpy>=2", "fastapi"]).index_url("https://pypi.example/simple");
    /// let image = ImageDefinition::from_registry("python:3.12-slim").install(pip);
    /// assert!(image.dockerfile()?.contains("--index-url https://pypi.example/simple 'numpy>=2' fastapi"));
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub struct Pip {
        /// Sets whether versions before a release are considered. The default is `false`.
        pre: false,
    }

    /// Python packages, installed by `uv pip`. The image has to contain `uv`; see
    /// [`copy_from`](crate::image_builder::ImageDefinition::copy_from).
    pub struct Uv {
        /// Sets whether packages are installed into the Python of the system. The default is `true`, because an
        /// image usually has no virtual environment.
        system: true,
        /// Sets whether installed packages are upgraded. The default is `false`.
        upgrade: false,
    }

    /// Python programs, each installed by `pipx` into an environment of its own.
    pub struct Pipx {}
}

impl Pip {
    /// Sets the address of the package index. The default is that of `pip`.
    pub fn index_url(self, url: impl Into<String>) -> Self {
        self.option("--index-url").option(url)
    }

    /// Adds the address of a further package index. None by default.
    pub fn extra_index_url(self, url: impl Into<String>) -> Self {
        self.option("--extra-index-url").option(url)
    }

    /// Adds a directory or page with links to archives of packages. None by default.
    pub fn find_links(self, location: impl Into<String>) -> Self {
        self.option("--find-links").option(location)
    }
}

impl Installer for Pip {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        let pre = if self.pre { " --pre" } else { "" };
        let start = format!("pip install --no-cache-dir{pre}");
        command(&start, &self.options, &self.packages).map(Some)
    }
}

impl Installer for Uv {
    fn command(&self) -> Result<Option<String>, Error> {
        if self.packages.is_empty() {
            return Ok(None);
        }
        let system = if self.system { " --system" } else { "" };
        let upgrade = if self.upgrade { " --upgrade" } else { "" };
        let start = format!("uv pip install --no-cache{system}{upgrade}");
        command(&start, &self.options, &self.packages).map(Some)
    }
}

impl Installer for Pipx {
    fn command(&self) -> Result<Option<String>, Error> {
        command_for_each("pipx install", &self.options, &self.packages)
    }
}
