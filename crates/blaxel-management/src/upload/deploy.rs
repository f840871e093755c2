//! Making a resource from an archive.

use blaxel_core::{Error, HttpService, Source, call};

use super::{Archive, ForUpload, UploadSource, UploadUrl, upload_from};
use crate::collection::{Collection, Outcome, apply_in};
use crate::kind::Applied;
use crate::operations::{Create, Replace};

/// A kind that is made from an archive.
pub trait Uploadable: Applied + Clone {
    /// The form of the archive.
    const ARCHIVE: Archive = Archive::Zip;

    /// Notes in the resource that the platform builds it from an archive, where that is noted.
    fn mark_as_uploaded(&mut self) {}
}

/// Makes workloads uploadable: their code is a zip, and a label says that they are built from one.
#[allow(
    unused_macros,
    reason = "which kinds there are is a matter of features"
)]
macro_rules! uploadable {
    ($($name:ident),+) => { $(
        impl $crate::upload::Uploadable for $name {
            fn mark_as_uploaded(&mut self) {
                self.metadata.add_label("x-blaxel-auto-generated", "true");
            }
        }
    )+ };
}

#[allow(
    unused_imports,
    reason = "which kinds there are is a matter of features"
)]
pub(crate) use uploadable;

impl<R: Uploadable, S: HttpService> Collection<R, S> {
    /// Makes a resource, or replaces the one of its name, and has the platform build it from an archive.
    ///
    /// It is back as soon as the archive is there; the building begins then. To wait for its end, use
    /// [`wait_until`](Self::wait_until), counting from the resource that is returned here, since it may
    /// still show the outcome of an earlier deployment. What happens in a try and between tries is said
    /// at [`upload`](super::upload).
    ///
    /// ```
    /// # async fn tour(agents: blaxel_management::Collection<
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
    /// [`Error::is_input`] if the archive is of another form than the kind needs, or cannot be read; else
    /// what the last request failed with. The resource may then be there without its code.
    pub async fn deploy(&self, resource: &R, source: &UploadSource) -> Result<Outcome<R>, Error> {
        self.deploy_as(resource, None, source).await
    }

    /// The same for a version of the resource, where the kind has them.
    pub(crate) async fn deploy_as(
        &self,
        resource: &R,
        version: Option<&str>,
        source: &UploadSource,
    ) -> Result<Outcome<R>, Error> {
        if source.archive() != R::ARCHIVE {
            let problem = format!(
                "a {:?} is needed, and this is a {:?}",
                R::ARCHIVE,
                source.archive()
            );
            return Err(Error::input("archive", &Source::Code, problem));
        }
        let apply = || self.apply_for(resource, version);
        let (first, url) = apply().await?;
        let was_created = first.is_created();
        let last = upload_from(&self.service, source, Ok((first, url)), apply).await?;
        // A second try finds what the first one made.
        Ok(match was_created {
            true => Outcome::Created(last.into_resource()),
            false => last,
        })
    }

    /// Makes a resource, or replaces the one of its name, and asks for an address to upload the archive to
    /// that the platform is to build it from. [`deploy`](Self::deploy) does that and the rest.
    ///
    /// # Errors
    ///
    /// What the last step failed with; [`Error::is_decode`] if the server names no address.
    pub async fn apply_for_upload(&self, resource: &R) -> Result<(Outcome<R>, UploadUrl), Error> {
        self.apply_for(resource, None).await
    }

    async fn apply_for(
        &self,
        resource: &R,
        version: Option<&str>,
    ) -> Result<(Outcome<R>, UploadUrl), Error> {
        let mut resource = resource.clone();
        resource.mark_as_uploaded();
        let resource = &resource;
        let draft = &self.placed(resource);
        let create = || async move {
            let create = Create::<R>::new(draft).within(&self.scope);
            call(&self.service, &ForUpload::new(&create).version(version)).await
        };
        let replace = || async move {
            let replace = Replace::<R, R>::new(resource.name(), resource).within(&self.scope);
            call(&self.service, &ForUpload::new(&replace).version(version)).await
        };
        apply_in(R::ORDER, create, replace)
            .await
            .map(Outcome::unzip)
    }
}
