//! [`ImageDefinition`]: the steps from a base image to an image.

use std::fmt;
use std::path::PathBuf;

use blaxel_core::{Error, Source};
use bytes::Bytes;

use super::destination::Destination;
use super::installer::Installer;
use super::line::{
    DEFAULT_SHELL, check_image, check_name, copy_line, exec_line, line, pair_line, run_line, word,
};
use super::local::{LocalDir, LocalSource};
use super::template::{Template, check_variable_name};

/// The image that contains the server of a sandbox, without a tag.
const SANDBOX_IMAGE: &str = "ghcr.io/blaxel-ai/sandbox";

/// The path of the server in an image of sandboxes.
const SANDBOX_API: &str = "/usr/local/bin/sandbox-api";

/// Starts the program that is given as arguments, and then the server of the sandbox in its own place.
const START_BOTH: &str = "\"$@\" & exec /usr/local/bin/sandbox-api";

/// An image, declared as steps that start from a base image. It is built from a Dockerfile and local files.
///
/// Every step returns the definition with one more step. Texts reach the image unchanged: the Dockerfile quotes
/// them as each instruction needs it. An invalid step is reported when the definition is used; nothing is sent
/// then.
///
/// ```
/// use blaxel_management::image_builder::{Apt, ImageDefinition, Pip};
///
/// let image = ImageDefinition::from_registry("python:3.12-slim")
///     .install(Apt::new(["git"]))
///     .workdir("/app")
///     .install(Pip::new(["uvicorn[standard]>=0.34"]))
///     .env("GREETING", "say \"hello\"")
///     .run("python -m compileall .")
///     .entrypoint(["uvicorn", "main:app", "--host", "0.0.0.0"]);
/// println!("{}", image.dockerfile()?);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ImageDefinition {
    base: String,
    /// The instructions after `FROM`, one a line, without the program that the image runs.
    lines: Vec<String>,
    /// The sources of the copies. The n-th one is `local/n` in the archive.
    pub(super) sources: Vec<LocalSource>,
    shell: Vec<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    /// The error of the first invalid step.
    problem: Option<Error>,
}

impl ImageDefinition {
    /// Creates a definition that starts from an image in a registry, such as `python:3.12-slim`.
    pub fn from_registry(reference: impl Into<String>) -> Self {
        let base = reference.into();
        Self {
            problem: check_image(&base).err(),
            base,
            lines: Vec::new(),
            sources: Vec::new(),
            shell: DEFAULT_SHELL.map(str::to_owned).into(),
            entrypoint: None,
            cmd: None,
        }
    }

    /// Returns the reference of the base image.
    #[must_use]
    pub fn base_image(&self) -> &str {
        &self.base
    }

    /// Runs a command line in the shell of the image, as `RUN` does. It may have several lines.
    ///
    /// The text is code for the shell and not quoted. To run a program with arguments from elsewhere, use
    /// [`run_program`](Self::run_program).
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim").run("useradd --create-home app");
    /// assert_eq!(image.dockerfile()?, "FROM debian:bookworm-slim\nRUN useradd --create-home app\n");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn run(self, command: impl AsRef<str>) -> Self {
        let added = run_line(command.as_ref(), &self.shell);
        self.add(added)
    }

    /// Runs a program with arguments, without a shell.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim").run_program(["echo", "$HOME; it's"]);
    /// assert_eq!(image.dockerfile()?, "FROM debian:bookworm-slim\nRUN [\"echo\",\"$HOME; it's\"]\n");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn run_program<T: Into<String>>(
        self,
        program_and_arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        let arguments = texts(program_and_arguments);
        let added = check_program(&arguments).and_then(|()| exec_line("RUN", &arguments));
        self.add(added)
    }

    /// Installs packages. The installers are types of [this module](super), such as [`Apt`](super::Apt) and
    /// [`Pip`](super::Pip). An installer without packages adds no step, unless it installs those of a project.
    ///
    /// ```
    /// use blaxel_management::image_builder::{Apt, Cargo, ImageDefinition};
    ///
    /// let image = ImageDefinition::from_registry("rust:1-slim")
    ///     .install(Apt::new(["pkg-config"]))
    ///     .install(Cargo::new(["ripgrep"]).locked(true));
    /// # let _ = image;
    /// ```
    #[doc(alias = "pipInstall")]
    #[doc(alias = "aptInstall")]
    #[doc(alias = "npmInstall")]
    pub fn install(self, packages: impl Installer) -> Self {
        match packages.command() {
            Ok(Some(command)) => self.run(command),
            Ok(None) => self,
            Err(problem) => self.add(Err(problem)),
        }
    }

    /// Sets the shell of the following [`run`](Self::run) and [`install`](Self::install) steps: a program and its
    /// arguments before the command. The default is the base image's, usually `/bin/sh -c`.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim")
    ///     .shell(["/bin/bash", "-o", "pipefail", "-c"])
    ///     .run("curl -fsSL https://example.com/install.sh | bash");
    /// # let _ = image;
    /// ```
    pub fn shell<T: Into<String>>(
        mut self,
        program_and_arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        self.shell = texts(program_and_arguments);
        let added = check_program(&self.shell).and_then(|()| exec_line("SHELL", &self.shell));
        self.add(added)
    }

    /// Sets an environment variable for the following steps and for the running image. Everyone who can read the
    /// image can read it: for a secret, use the environment variables of the workload.
    pub fn env(self, name: impl AsRef<str>, value: impl Into<Template>) -> Self {
        let name = name.as_ref();
        let added = check_name("environment variable", name)
            .and_then(|()| pair_line("ENV", "environment variable", name, &value.into()));
        self.add(added)
    }

    /// Declares a build argument, a variable for the following steps. Its value is the one of
    /// [`ImageBuild::argument`](super::ImageBuild::argument).
    pub fn arg(self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let added = check_variable_name("build argument", name).and_then(|()| line("ARG", name));
        self.add(added)
    }

    /// Declares a build argument like [`arg`](Self::arg), with a default value.
    pub fn arg_or(self, name: impl AsRef<str>, default: impl Into<Template>) -> Self {
        let name = name.as_ref();
        let added = check_variable_name("build argument", name)
            .and_then(|()| pair_line("ARG", "build argument", name, &default.into()));
        self.add(added)
    }

    /// Sets the working directory of the following steps and of the running image. A relative path is relative to
    /// the working directory before. The directory is created if it does not exist.
    pub fn workdir(self, path: impl Into<Template>) -> Self {
        self.word_line("WORKDIR", "working directory", &path.into())
    }

    /// Sets the user of the following steps and of the running image, as in `app`, `1000` or `app:staff`.
    pub fn user(self, user: impl Into<Template>) -> Self {
        self.word_line("USER", "user", &user.into())
    }

    /// Adds a label to the image: a description of it, which has no effect.
    pub fn label(self, name: impl AsRef<str>, value: impl Into<Template>) -> Self {
        let name = name.as_ref();
        let added = check_name("label", name)
            .and_then(|()| pair_line("LABEL", "label", name, &value.into()));
        self.add(added)
    }

    /// Documents a TCP port that the image listens on. The ports at which a workload can be called are those of
    /// the workload.
    pub fn expose(self, port: u16) -> Self {
        let added = line("EXPOSE", &port.to_string());
        self.add(added)
    }

    /// Copies a local file into the image. If the destination ends in `/`, it is the directory for the file. It is
    /// read when the image is built. On Unix, it stays executable if it is; a [`Destination`] sets other permissions
    /// and an owner.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim").copy_file("src/main.py", "/app/");
    /// assert_eq!(image.dockerfile()?, "FROM python:3.12-slim\nCOPY [\"local/0\",\"/app/main.py\"]\n");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[doc(alias = "addLocalFile")]
    pub fn copy_file(self, file: impl Into<PathBuf>, destination: impl Into<Destination>) -> Self {
        let (file, mut destination) = (file.into(), destination.into());
        if destination.path.ends_with('/') {
            match file.file_name().and_then(|name| name.to_str()) {
                Some(name) => destination.path = destination.path.text(name),
                None => {
                    let problem = "it has no name in UTF-8; name the file in the destination";
                    return self.add(Err(Error::input(
                        "local file",
                        &Source::File(file),
                        problem,
                    )));
                }
            }
        }
        self.copy_local(LocalSource::File(file), &destination)
    }

    /// Copies the contents of a local directory into a directory of the image. See [`LocalDir`] for the files that
    /// are left out. It is read when the image is built.
    #[doc(alias = "addLocalDir")]
    pub fn copy_dir(
        self,
        directory: impl Into<LocalDir>,
        destination: impl Into<Destination>,
    ) -> Self {
        let source = LocalSource::Directory(directory.into());
        self.copy_local(source, &destination.into())
    }

    /// Writes a file with these contents into the image.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let settings = "theme = \"dark\"\nfont = \"Inter\"\n";
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim")
    ///     .copy_bytes(settings, "/etc/app/settings.toml");
    /// # let _ = image;
    /// ```
    pub fn copy_bytes(
        self,
        contents: impl Into<Bytes>,
        destination: impl Into<Destination>,
    ) -> Self {
        let destination = destination.into();
        if destination.path.ends_with('/') {
            let problem = "it is a directory; name the file";
            return self.add(Err(Error::input(
                "destination of a copy",
                &Source::Code,
                problem,
            )));
        }
        self.copy_local(LocalSource::Bytes(contents.into()), &destination)
    }

    /// Copies files from another image. The source is a path in that image, or a pattern such as `/opt/*.so`.
    ///
    /// ```
    /// use blaxel_management::image_builder::{ImageDefinition, Uv};
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim")
    ///     .copy_from("ghcr.io/astral-sh/uv:0.9", "/uv", "/usr/local/bin/uv")
    ///     .install(Uv::new(["numpy"]));
    /// # let _ = image;
    /// ```
    pub fn copy_from(
        self,
        image: impl AsRef<str>,
        source: impl AsRef<str>,
        destination: impl Into<Destination>,
    ) -> Self {
        let image = image.as_ref();
        let added = check_image(image)
            .and_then(|()| copy_line(Some(image), source.as_ref(), &destination.into()));
        self.add(added)
    }

    /// Sets the program that the image runs, and its arguments. The default is the base image's.
    ///
    /// It removes the base image's [`cmd`](Self::cmd), as builders do. An image of sandboxes runs the sandbox's server
    /// too; see [`with_sandbox_api`](Self::with_sandbox_api).
    #[doc(alias = "ENTRYPOINT")]
    pub fn entrypoint<T: Into<String>>(
        mut self,
        program_and_arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        let arguments = texts(program_and_arguments);
        if let Err(problem) = check_program(&arguments) {
            return self.add(Err(problem));
        }
        self.entrypoint = Some(arguments);
        self
    }

    /// Sets the arguments that follow those of the [`entrypoint`](Self::entrypoint) unless the image is run with
    /// others. Without an entry point, they are the program and its arguments. The default is the base image's, if
    /// there is no [`entrypoint`](Self::entrypoint) step. An empty list removes the base image's.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("python:3.12-slim").cmd(["python", "-m", "http.server"]);
    /// assert_eq!(
    ///     image.dockerfile()?,
    ///     "FROM python:3.12-slim\nCMD [\"python\",\"-m\",\"http.server\"]\n"
    /// );
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[doc(alias = "CMD")]
    pub fn cmd<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.cmd = Some(texts(arguments));
        self
    }

    /// Adds the steps that make an image of sandboxes: it contains the sandbox's server, in a version such as
    /// `latest`, and starts it.
    ///
    /// A program that [`entrypoint`](Self::entrypoint) or [`cmd`](Self::cmd) sets is started together with the server,
    /// in the working directory of the image; it needs `/bin/sh`. If it is the server itself, by a name `sandbox-api`, it is left
    /// as it is. A base image of the platform, below `blaxel/` or `ghcr.io/blaxel-ai/sandbox`, has the server
    /// already. Builds of sandboxes add these steps themselves.
    ///
    /// ```
    /// use blaxel_management::image_builder::ImageDefinition;
    ///
    /// let image = ImageDefinition::from_registry("debian:bookworm-slim").with_sandbox_api("latest");
    /// assert_eq!(
    ///     image.dockerfile()?,
    ///     "FROM debian:bookworm-slim\n\
    ///      COPY --from=ghcr.io/blaxel-ai/sandbox:latest [\"/sandbox-api\",\"/usr/local/bin/sandbox-api\"]\n\
    ///      ENTRYPOINT [\"/usr/local/bin/sandbox-api\"]\n"
    /// );
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn with_sandbox_api(mut self, version: impl AsRef<str>) -> Self {
        let arguments = [&self.entrypoint, &self.cmd].into_iter().flatten();
        let program = arguments.flatten().next();
        let is_server = program
            .is_some_and(|program| program == "sandbox-api" || program.ends_with("/sandbox-api"));
        let has_program = program.is_some();
        if is_server || (!has_program && is_of_platform(&self.base)) {
            return self;
        }
        self.entrypoint = Some(match has_program {
            false => vec![SANDBOX_API.to_owned()],
            // The arguments of `cmd` follow those of the entry point.
            true => {
                let start = ["/bin/sh", "-c", START_BOTH, "sh"].map(str::to_owned);
                let program = self.entrypoint.take().unwrap_or_default();
                start.into_iter().chain(program).collect()
            }
        });
        let image = format!("{SANDBOX_IMAGE}:{}", version.as_ref());
        self.copy_from(image, "/sandbox-api", SANDBOX_API)
    }

    /// Returns the Dockerfile. Local files have generated names in it.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for the first invalid step.
    pub fn dockerfile(&self) -> Result<String, Error> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let mut text = line("FROM", &self.base)?;
        text.push('\n');
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        let program = [("ENTRYPOINT", &self.entrypoint), ("CMD", &self.cmd)];
        for (instruction, arguments) in program {
            if let Some(arguments) = arguments {
                text.push_str(&exec_line(instruction, arguments)?);
                text.push('\n');
            }
        }
        Ok(text)
    }

    /// Adds a copy of local contents under the next generated name.
    fn copy_local(mut self, source: LocalSource, destination: &Destination) -> Self {
        let name = context_name(self.sources.len());
        self.sources.push(source);
        let added = copy_line(None, &name, destination);
        self.add(added)
    }

    /// Adds an instruction whose only argument is a word.
    fn word_line(self, instruction: &str, what: &str, value: &Template) -> Self {
        let added = word(what, value).and_then(|word| line(instruction, &word));
        self.add(added)
    }

    /// Adds a line, or keeps the first problem.
    fn add(mut self, line: Result<String, Error>) -> Self {
        match line {
            Ok(line) => self.lines.push(line),
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }
}

/// Returns the name of a copied file or directory in the archive.
pub(super) fn context_name(index: usize) -> String {
    format!("local/{index}")
}

/// Returns `true` for an image of the platform, which contains the sandbox's server and starts it.
fn is_of_platform(reference: &str) -> bool {
    let rest = reference.strip_prefix(SANDBOX_IMAGE);
    let is_sandbox = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '@']));
    is_sandbox || reference.starts_with("blaxel/")
}

fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

/// Checks that there is a program to run.
fn check_program(arguments: &[String]) -> Result<(), Error> {
    match arguments.first() {
        Some(program) if !program.is_empty() => Ok(()),
        _ => Err(Error::input("program", &Source::Code, "it is empty")),
    }
}

impl fmt::Debug for ImageDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Instructions can contain a password that should not be in them.
        f.debug_struct("ImageDefinition")
            .field("base", &self.base)
            .field("steps", &self.lines.len())
            .finish_non_exhaustive()
    }
}
