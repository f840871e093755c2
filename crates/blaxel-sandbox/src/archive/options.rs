//! The options of an export.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use blaxel_core::{Error, Secret, Source};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The options of an export: its target, and the files to leave out. The addresses and headers are secrets, and never
/// printed.
#[derive(Clone)]
#[must_use]
pub struct ExportOptions {
    url: Option<Secret>,
    multipart: Option<ExportMultipart>,
    headers: BTreeMap<String, Secret>,
    excludes: Vec<String>,
    dry_run: bool,
    save_processes: Option<bool>,
    stop_timeout: Option<Duration>,
    image_device: Option<String>,
    image_mount_point: Option<String>,
}

/// The presigned URLs of an upload in parts. They are never printed.
#[derive(Clone)]
#[must_use]
pub struct ExportMultipart {
    part_urls: Vec<Secret>,
    part_size: u64,
    complete_url: Secret,
    abort_url: Option<Secret>,
}

impl ExportOptions {
    /// Creates the options of an export to a presigned URL, which is called with `PUT`. It is for archives of up to
    /// 5 GB.
    pub fn to(url: impl Into<Secret>) -> Self {
        let mut options = Self::with_defaults();
        options.url = Some(url.into());
        options
    }

    /// Creates the options of an export in parts.
    pub fn in_parts(multipart: ExportMultipart) -> Self {
        let mut options = Self::with_defaults();
        options.multipart = Some(multipart);
        options
    }

    /// Creates the options of a dry run: it uploads nothing, and reports the changed files.
    pub fn dry_run() -> Self {
        let mut options = Self::with_defaults();
        options.dry_run = true;
        options
    }

    /// Creates options without a target.
    fn with_defaults() -> Self {
        Self {
            url: None,
            multipart: None,
            headers: BTreeMap::new(),
            excludes: Vec::new(),
            dry_run: false,
            save_processes: None,
            stop_timeout: None,
            image_device: None,
            image_mount_point: None,
        }
    }

    /// Adds a header to the requests of the upload.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Adds a path to leave out, with everything below it.
    pub fn exclude(mut self, path: impl Into<String>) -> Self {
        self.excludes.push(path.into());
        self
    }

    /// Sets whether the archive describes the processes, so that a restore starts them again. The default is `true`.
    pub fn save_processes(mut self, save: bool) -> Self {
        self.save_processes = Some(save);
        self
    }

    /// Sets the time in which the processes may end before they are killed, in whole seconds. The default is 30
    /// seconds.
    pub fn stop_timeout(mut self, limit: Duration) -> Self {
        self.stop_timeout = Some(limit);
        self
    }

    /// Sets the device of the image that the files are compared with. By default the server finds it.
    pub fn image_device(mut self, device: impl Into<String>) -> Self {
        self.image_device = Some(device.into());
        self
    }

    /// Sets the directory at which the image is mounted for the comparison. By default the server chooses it.
    pub fn image_mount_point(mut self, path: impl Into<String>) -> Self {
        self.image_mount_point = Some(path.into());
        self
    }
}

impl ExportMultipart {
    /// Creates an upload in parts of `part_size` bytes, at least 5 MB, except for the last one. `part_urls` are
    /// called with `PUT`, in order, and `complete_url` with `POST`.
    pub fn new<U: Into<Secret>>(
        part_urls: impl IntoIterator<Item = U>,
        part_size: u64,
        complete_url: impl Into<Secret>,
    ) -> Self {
        Self {
            part_urls: part_urls.into_iter().map(Into::into).collect(),
            part_size,
            complete_url: complete_url.into(),
            abort_url: None,
        }
    }

    /// Sets the URL that is called with `DELETE` if the upload fails. By default the parts are left behind.
    pub fn abort_url(mut self, url: impl Into<Secret>) -> Self {
        self.abort_url = Some(url.into());
        self
    }
}

impl fmt::Debug for ExportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions")
            .field("dry_run", &self.dry_run)
            .field("excludes", &self.excludes)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExportMultipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportMultipart")
            .field("parts", &self.part_urls.len())
            .field("part_size", &self.part_size)
            .finish_non_exhaustive()
    }
}

/// The body of a request. It is the only place where the secrets are written.
pub(super) struct Export<'a> {
    options: &'a ExportOptions,
    is_async: bool,
}

impl<'a> Export<'a> {
    pub(super) fn new(options: &'a ExportOptions, is_async: bool) -> Self {
        Self { options, is_async }
    }

    /// Checks that the target is complete.
    pub(super) fn check(&self) -> Result<(), Error> {
        let options = self.options;
        let problem = match (&options.url, &options.multipart) {
            (Some(url), _) if url.is_empty() => "the URL is empty",
            (_, Some(multipart)) if multipart.part_urls.is_empty() => "it has no URLs of parts",
            (_, Some(multipart)) if multipart.part_size == 0 => "the size of a part is 0",
            _ => return Ok(()),
        };
        Err(Error::input("export target", &Source::Code, problem))
    }
}

impl Serialize for Export<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let options = self.options;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", options.url.as_ref().map_or("", Secret::expose))?;
        if self.is_async {
            map.serialize_entry("async", &true)?;
        }
        if options.dry_run {
            map.serialize_entry("dryRun", &true)?;
        }
        if !options.excludes.is_empty() {
            map.serialize_entry("excludes", &options.excludes)?;
        }
        if !options.headers.is_empty() {
            let headers = options.headers.iter();
            let headers: BTreeMap<_, _> = headers
                .map(|(name, value)| (name.as_str(), value.expose()))
                .collect();
            map.serialize_entry("headers", &headers)?;
        }
        if let Some(multipart) = &options.multipart {
            map.serialize_entry("multipart", &Parts(multipart))?;
        }
        if let Some(save) = options.save_processes {
            map.serialize_entry("saveProcesses", &save)?;
        }
        if let Some(limit) = options.stop_timeout {
            map.serialize_entry("stopTimeoutSeconds", &limit.as_secs())?;
        }
        if let Some(device) = &options.image_device {
            map.serialize_entry("imageDevice", device)?;
        }
        if let Some(path) = &options.image_mount_point {
            map.serialize_entry("imageMountPoint", path)?;
        }
        map.end()
    }
}

/// The URLs of an upload in parts, as the server reads them.
struct Parts<'a>(&'a ExportMultipart);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let multipart = self.0;
        let urls: Vec<&str> = multipart.part_urls.iter().map(Secret::expose).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("partUrls", &urls)?;
        map.serialize_entry("partSize", &multipart.part_size)?;
        map.serialize_entry("completeUrl", multipart.complete_url.expose())?;
        if let Some(url) = &multipart.abort_url {
            map.serialize_entry("abortUrl", url.expose())?;
        }
        map.end()
    }
}
