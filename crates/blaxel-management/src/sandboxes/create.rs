//! Creates a sandbox, or returns the existing one, in one request.

use blaxel_core::{Error, HttpService, OperationInfo, call};

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::Created;
use crate::operations::{Action, Perform};

impl<S: HttpService> Collection<Sandbox, S> {
    /// Creates a sandbox, or returns the existing one of the same name, in one request
    /// (`POST /sandboxes?createIfNotExist=true`).
    ///
    /// The response does not tell whether the sandbox was created, and the sandbox need not be ready. With the
    /// feature `wait`, [`ensure`](Self::ensure) reports this, and waits until the sandbox is ready.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let draft = Sandbox::new("code-runner");
    /// let sandbox = management.sandboxes().create_if_absent(&draft).await?;
    /// println!("{:?}", sandbox.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if a sandbox of that name is being created or deleted; otherwise the error of the
    /// call.
    pub async fn create_if_absent(&self, sandbox: &Sandbox) -> Result<Sandbox, Error> {
        let sandbox = self.with_default_region(sandbox);
        let create = Perform::<CreateSandbox>::new()
            .flag("createIfNotExist", true)
            .input(&sandbox);
        call(&self.service, &create).await
    }
}

/// Creates a sandbox: `POST /sandboxes`, for use with the query parameter `createIfNotExist`.
#[derive(Clone, Copy, Debug)]
pub struct CreateSandbox;

impl Action for CreateSandbox {
    const INFO: OperationInfo = Sandbox::CREATE;
    type Input = Sandbox;
    type Output = Sandbox;
}
