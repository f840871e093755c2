//! Changes a part of a resource, and keeps everything else.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService, Source, call};
use serde_json::Value;

use super::Collection;
use crate::kind::{Fetched, Replaced};
use crate::operations::Replace;
use crate::patch::carry_over;
use crate::resource::Resource;

impl<R: Replaced + Fetched, S: HttpService> Collection<R, S> {
    /// Reads a resource, changes it by a function, and writes it back. Everything that the function did
    /// not change is written as the server sent it, including members without a type in this SDK and
    /// masked secrets. If the function changes nothing, nothing is written.
    ///
    /// The API cannot detect a concurrent change: the last write wins.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that name; [`Error::is_input`] if the function
    /// changed the name, which is what the resource is kept under.
    pub async fn modify(&self, name: &str, change: impl FnOnce(&mut R)) -> Result<R, Error> {
        let document: Value = call(&self.service, &self.get_as::<Value>(name)).await?;
        let mut resource: R = from_json(&document)?;
        let (kept_under, before) = (resource.name().to_owned(), to_json(&resource)?);
        change(&mut resource);
        if resource.name() != kept_under {
            let problem = "a name cannot be changed; create a second one and delete the first";
            return Err(Error::input("name", &Source::Code, problem));
        }
        let after = to_json(&resource)?;
        if before == after {
            return Ok(resource);
        }
        let document = carry_over(document, &before, after);
        call(
            &self.service,
            &Replace::<R>::new(name, &document).within(&self.scope),
        )
        .await
    }
}

fn to_json<R: Resource>(resource: &R) -> Result<Value, Error> {
    serde_json::to_value(resource)
        .map_err(|problem| Error::input("resource", &Source::Code, problem))
}

fn from_json<R: Resource>(document: &Value) -> Result<R, Error> {
    R::deserialize(document)
        .map_err(|problem| Error::decode("the answer is not the expected JSON").caused_by(problem))
}
