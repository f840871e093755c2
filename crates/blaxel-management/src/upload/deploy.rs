//! Creating or replacing a resource from an archive.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService, Source, call};

use super::labels;
use super::{Archive, ForUpload, UploadSource, UploadUrl, upload_from};
use crate::collection::{Collection, Outcome, apply_in};
use crate::kind::Applied;
use crate::operations::{Create, Replace};

/// A kind that can be built from an archive ([`Collection::deploy`]).
pub trait Uploadable: Applied + Clone {
    /// The format of the archive.
    const ARCHIVE: Archive = Archive::Zip;

    /// Marks the resource as built from an archive, for kinds that need such a mark. The default does nothing.
    fn mark_as_uploaded(&mut self) {}
}

/// Implements [`Uploadable`] for workloads: the archive is a zip, and a label marks the workload as built from
/// one.
#[allow(unused_macros, reason = "the features decide which kinds exist")]
macro_rules! uploadable {
    ($($name:ident),+) => { $(
        impl $crate::upload::Uploadable for $name {
            fn mark_as_uploaded(&mut self) {
                self.metadata.add_label("x-blaxel-auto-generated", "true");
            }
        }
    )+ };
}

#[allow(unused_imports, reason = "the features decide which kinds exist")]
pub(crate) use uploadable;

impl<R: Uploadable, S: HttpService> Collection<R, S> {
    /// Creates a resource, or replaces the existing one of the same name, and uploads the archive from which the
    /// platform builds it (`PUT` or `POST` with `?upload=true`).
    ///
    /// It returns when the archive has been uploaded; the build begins then. To wait for the end of the build,
    /// use [`wait_until`](Self::wait_until) with [`Wait::since`](crate::Wait::since) the returned resource,
    /// because it may still show the status of an earlier deployment. [`upload`](super::upload) documents
    /// attempts and delays.
    ///
    /// ```no_run
    /// # async fn example(agents: blaxel_management::Collection<
    /// #     blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// #     zipped: Vec<u8>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::agents::Agent;
    /// use blaxel_management::upload::{Archive, UploadSource};
    /// use blaxel_management::{Status, Wait};
    ///
    /// let code = UploadSource::bytes(Archive::Zip, zipped);
    /// let agent = agents.deploy(&Agent::new("support-bot"), &code).await?.into_resource();
    /// let wait = Wait::new().since(&agent);
    /// agents.wait_until("support-bot", &wait, |agent| agent.status == Some(Status::Deployed)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the archive does not have the format that the kind needs, or cannot be read;
    /// otherwise the error of the last request. After an error the resource may exist without its code.
    pub async fn deploy(&self, resource: &R, source: &UploadSource) -> Result<Outcome<R>, Error> {
        self.deploy_as(resource, None, source).await
    }

    /// Deploys a resource like [`deploy`](Self::deploy), as a version if the kind has versions.
    pub(crate) async fn deploy_as(
        &self,
        resource: &R,
        version: Option<&str>,
        source: &UploadSource,
    ) -> Result<Outcome<R>, Error> {
        if source.archive() != R::ARCHIVE {
            let problem = format!("expected {:?}, found {:?}", R::ARCHIVE, source.archive());
            return Err(Error::input("archive", &Source::Code, problem));
        }
        let request_url = || self.request_url(resource, version);
        let (first, url) = request_url().await?;
        let was_created = first.is_created();
        let last = upload_from(&self.service, source, Ok((first, url)), request_url).await?;
        // A later attempt replaces the resource that the first one created.
        Ok(last.created_if(was_created))
    }

    /// Creates a resource, or replaces the existing one of the same name, and returns it with the URL to upload
    /// its archive to. [`deploy`](Self::deploy) also sends the archive; see [`upload`](super::upload) for an
    /// example.
    ///
    /// # Errors
    ///
    /// The error of the last request; [`Error::is_decode`] if the response has no upload URL.
    pub async fn apply_for_upload(&self, resource: &R) -> Result<(Outcome<R>, UploadUrl), Error> {
        self.request_url(resource, None).await
    }

    /// Creates or replaces the resource, and returns it with its upload URL.
    async fn request_url(
        &self,
        resource: &R,
        version: Option<&str>,
    ) -> Result<(Outcome<R>, UploadUrl), Error> {
        let mut resource = resource.clone();
        resource.mark_as_uploaded();
        let (first, url, missing) = self.request_labelled_url(&resource, version).await?;
        if missing.is_empty() {
            return Ok((first, url));
        }
        // The URL of a new resource may not be signed for its labels yet.
        let (second, url, missing) = self.request_labelled_url(&resource, version).await?;
        if missing.is_empty() {
            let was_created = first.is_created();
            return Ok((second.created_if(was_created), url));
        }
        let missing = missing.join(", ");
        Err(Error::failed(format!(
            "the platform does not accept the build settings {missing}; build without them"
        )))
    }

    /// Creates or replaces the resource, and returns it with its upload URL and the build settings that the URL is
    /// not signed for.
    async fn request_labelled_url(
        &self,
        resource: &R,
        version: Option<&str>,
    ) -> Result<(Outcome<R>, UploadUrl, Vec<&'static str>), Error> {
        let draft = &self.with_default_region(resource);
        let create = || async move {
            let create = Create::<R>::new(draft).within(&self.parent);
            call(&self.service, &ForUpload::new(&create).version(version)).await
        };
        let replace = || async move {
            let replace = Replace::<R, R>::new(resource.name(), resource).within(&self.parent);
            call(&self.service, &ForUpload::new(&replace).version(version)).await
        };
        let (outcome, url) = apply_in(R::ORDER, create, replace).await?.unzip();
        let stored = outcome.resource().labels();
        let headers = match stored.is_empty() {
            true => labels::headers(&url, resource.labels()),
            false => labels::headers(&url, stored),
        };
        let missing = labels::missing(resource.labels(), &headers);
        Ok((outcome, url.with_headers(headers), missing))
    }
}
