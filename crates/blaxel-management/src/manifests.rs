//! Resources described in YAML documents, in the format of `bl apply`.
//!
//! A manifest is a YAML document with the `kind`, the `metadata` and the `spec` of a resource:
//!
//! ```yaml
//! apiVersion: blaxel.ai/v1alpha1
//! kind: Agent
//! metadata:
//!   name: support-bot
//! spec:
//!   runtime:
//!     image: my-team/support-bot:1
//! ```
//!
//! [`Manifests::read`] reads files and directories of them, and
//! [`Management::apply_manifests`](crate::Management::apply_manifests) creates or replaces the resources. Members that
//! this SDK has no type for are sent as they are.
//! [`Management::delete_manifests`](crate::Management::delete_manifests) deletes the resources.
//!
//! With the feature `project-file`, `ManifestReader::read_project` reads the one resource that a `blaxel.toml` describes.

mod apply;
mod delete;
mod in_collection;
#[cfg(feature = "project-file")]
mod project;
mod reader;
mod report;
mod stored;
mod variables;
mod yaml;

use std::fmt;
use std::path::{Path, PathBuf};

use blaxel_core::__private::JsonProblem;
use blaxel_core::{Error, Source, open_enum};
use serde_json::Value;

pub use self::reader::ManifestReader;
pub use self::report::{ManifestReport, ManifestResult};
pub use self::stored::StoredManifest;
use crate::resource::Document;

open_enum! {
    /// The kind of resource that a manifest describes.
    pub enum ManifestKind {
        /// A policy.
        Policy = "Policy",
        /// A connection to an integration, such as a model provider. An existing one is kept unchanged.
        IntegrationConnection = "IntegrationConnection",
        /// A template of volumes.
        VolumeTemplate = "VolumeTemplate",
        /// A volume.
        Volume = "Volume",
        /// A drive.
        Drive = "Drive",
        /// A model.
        Model = "Model",
        /// A function, which is an MCP server.
        Function = "Function",
        /// An agent.
        Agent = "Agent",
        /// An application.
        Application = "Application",
        /// A job.
        Job = "Job",
        /// A sandbox.
        Sandbox = "Sandbox",
        /// A preview of the sandbox in the member `metadata.resourceName`.
        Preview = "Preview",
        /// A token for the preview in the member `metadata.previewName`, of the sandbox in
        /// `metadata.resourceName`. An existing one is kept unchanged.
        PreviewToken = "PreviewToken",
    }
}

impl ManifestKind {
    /// Returns the place of the kind in the order in which manifests are applied: what a resource refers to comes
    /// before it. `None` for a kind that cannot be applied.
    fn rank(&self) -> Option<u8> {
        Some(match self {
            Self::Policy | Self::IntegrationConnection | Self::VolumeTemplate => 0,
            Self::Volume | Self::Drive | Self::Model => 1,
            Self::Function => 2,
            Self::Agent | Self::Application | Self::Job | Self::Sandbox => 3,
            Self::Preview => 4,
            Self::PreviewToken => 5,
            Self::Other(_) => return None,
        })
    }

    /// Returns the members of `metadata` that name the parents of a nested resource, outermost first.
    fn parents(&self) -> &'static [&'static str] {
        match self {
            Self::Preview => &["resourceName"],
            Self::PreviewToken => &["resourceName", "previewName"],
            _ => &[],
        }
    }
}

/// A resource described in YAML.
///
/// The `Debug` output does not contain the members, which may be secrets.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    kind: ManifestKind,
    name: String,
    parents: Vec<String>,
    document: Value,
    path: Option<PathBuf>,
}

impl Manifest {
    /// Checks a document.
    fn new(mut document: Value, path: Option<&Path>) -> Result<Self, String> {
        let Some(members) = document.as_object_mut() else {
            return Err("it is not a mapping with `kind`, `metadata` and `spec`".to_owned());
        };
        let kind = match members.remove("kind") {
            Some(Value::String(kind)) => ManifestKind::from(kind),
            _ => return Err("it has no `kind`, such as `Agent`".to_owned()),
        };
        if kind.rank().is_none() {
            let known = kind.__values().join(", ");
            return Err(format!("its kind `{kind}` is none of {known}"));
        }
        members.remove("apiVersion");
        let text = |member: &str| {
            let found = document.pointer(&format!("/metadata/{member}"));
            let found = found
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty());
            found
                .map(str::to_owned)
                .ok_or_else(|| format!("it has no text in `metadata.{member}`"))
        };
        Ok(Self {
            name: text("name")?,
            parents: kind
                .parents()
                .iter()
                .map(|member| text(member))
                .collect::<Result<_, _>>()?,
            kind,
            path: path.map(Path::to_owned),
            document,
        })
    }

    /// Returns the kind of the resource.
    #[must_use]
    pub fn kind(&self) -> &ManifestKind {
        &self.kind
    }

    /// Returns the name of the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file that the manifest was read from, or `None` if it was parsed from a text.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the request body: the document without `kind` and `apiVersion`.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Decodes the manifest as the type of its kind, such as [`Agent`](crate::agents::Agent). Members without a type
    /// are left out.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], which names the file, if the document is of another type.
    pub fn decode<R: Document>(&self) -> Result<R, Error> {
        let source = self.path.clone().map_or(Source::Code, Source::File);
        R::deserialize(&self.document).map_err(|error| invalid(&source, JsonProblem::new(&error)))
    }
}

impl Manifest {
    /// Returns the names of the parents of a nested resource, outermost first. The manifest was checked for them.
    #[cfg(feature = "sandboxes")]
    fn parents<const N: usize>(&self) -> Result<[&str; N], Error> {
        let names: Vec<&str> = self.parents.iter().map(String::as_str).collect();
        names
            .try_into()
            .map_err(|_| invalid(&Source::Code, "it has no parent"))
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The outcome of deleting the resource of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManifestDeletion {
    /// The resource was deleted, or its deletion has begun.
    Deleted,
    /// There was no such resource.
    Absent,
}

/// The manifests of a text, of files or of directories, in the order in which they are applied.
///
/// A resource comes after those that it refers to. The first group is policies, connections and volume templates. Volumes,
/// drives and models follow, then functions, then agents, applications, jobs and sandboxes, then previews, and then their
/// tokens. Within a group the order is that of the files, by name, and of the documents in them.
///
/// ```
/// use blaxel_management::manifests::Manifests;
///
/// let manifests = Manifests::parse(
///     "{kind: Agent, metadata: {name: bot}, spec: {}}\n---\n{kind: Policy, metadata: {name: eu}, spec: {}}",
/// )?;
/// let names: Vec<_> = manifests.iter().map(|manifest| manifest.name()).collect();
/// assert_eq!(names, ["eu", "bot"]);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests(Vec<Manifest>);

impl Manifests {
    /// Parses the YAML documents of a text. Empty ones are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], with the line, if the text is not valid YAML, or if one of its documents is not a manifest.
    pub fn parse(text: &str) -> Result<Self, Error> {
        ManifestReader::new().parse(text)
    }

    /// Reads a file, or the files of a directory that end in `.yaml` or `.yml`. Directories in it are skipped;
    /// [`ManifestReader::recursive`] reads them too.
    ///
    /// It blocks the thread while it reads the files.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::manifests::Manifests;
    ///
    /// let manifests = Manifests::read("resources")?;
    /// for result in management.apply_manifests(&manifests).await.results() {
    ///     println!("{result}"); // Agent support-bot: created
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], which names the file and the line, if a file cannot be read, is larger than 4 MiB, is not
    /// valid YAML, or if one of its documents is not a manifest.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        ManifestReader::new().read(path)
    }

    /// Returns an iterator over the manifests, in the order in which they are applied.
    pub fn iter(&self) -> std::slice::Iter<'_, Manifest> {
        self.0.iter()
    }

    /// Returns the number of manifests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there are no manifests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts manifests into the order in which they are applied.
    fn in_order(mut manifests: Vec<Manifest>) -> Self {
        manifests.sort_by_key(|manifest| manifest.kind.rank());
        Self(manifests)
    }
}

impl<'a> IntoIterator for &'a Manifests {
    type Item = &'a Manifest;
    type IntoIter = std::slice::Iter<'a, Manifest>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Returns the error of a kind that the crate was compiled without.
fn not_compiled(kind: &ManifestKind) -> Error {
    let problem = format!("the feature for the kind `{kind}` is not enabled");
    invalid(&Source::Code, problem)
}

/// Returns the error of an unusable manifest.
fn invalid(source: &Source, problem: impl fmt::Display) -> Error {
    Error::input("manifest", source, problem)
}

#[cfg(test)]
mod tests;
