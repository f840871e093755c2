//! Read-modify-write of a resource, which preserves members without a type.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService, Source, call};
use serde_json::Value;

use super::Collection;
use crate::kind::{Fetched, Replaced};
use crate::operations::Replace;
use crate::patch::apply_changes;
use crate::resource::Resource;

impl<R: Replaced + Fetched, S: HttpService> Collection<R, S> {
    /// Reads a resource, passes it to `change`, writes it back, and returns the stored version (`GET` and
    /// `PUT /agents/{agentName}` for agents).
    ///
    /// Members that `change` does not touch are written as the server sent them, including members without a
    /// type in this SDK and masked secrets. If `change` changes nothing, nothing is written.
    ///
    /// The API cannot detect a concurrent change: the last write wins.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// agents
    ///     .modify("support-bot", |agent| {
    ///         agent.metadata.add_label("team", "care");
    ///         agent.runtime_mut().image = Some("my-team/support-bot:2".to_owned());
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no resource of that name; [`Error::is_input`] if `change`
    /// changed the name, which identifies the resource; otherwise the error of either call.
    pub async fn modify(&self, name: &str, change: impl FnOnce(&mut R)) -> Result<R, Error> {
        let document: Value = call(&self.service, &self.get_as::<Value>(name)).await?;
        let mut resource: R = from_json(&document)?;
        let (original_name, before) = (resource.name().to_owned(), to_json(&resource)?);
        change(&mut resource);
        if resource.name() != original_name {
            let problem = "a name cannot be changed; create a second resource and delete the first";
            return Err(Error::input("name", &Source::Code, problem));
        }
        let after = to_json(&resource)?;
        if before == after {
            return Ok(resource);
        }
        let document = apply_changes(document, &before, after);
        call(
            &self.service,
            &Replace::<R>::new(name, &document).within(&self.parent),
        )
        .await
    }
}

fn to_json<R: Resource>(resource: &R) -> Result<Value, Error> {
    serde_json::to_value(resource)
        .map_err(|problem| Error::input("resource", &Source::Code, problem))
}

fn from_json<R: Resource>(document: &Value) -> Result<R, Error> {
    R::deserialize(document).map_err(|problem| {
        Error::decode("the response is not the expected JSON").caused_by(problem)
    })
}
