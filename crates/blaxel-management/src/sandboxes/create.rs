//! Making a sandbox, or taking the one that is there.

use blaxel_core::{Error, HttpService, OperationInfo, call};

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::Created;
use crate::operations::{Action, Perform};

impl<S: HttpService> Collection<Sandbox, S> {
    /// Makes a sandbox, or returns the one of its name that is there, in one request: `CreateSandbox` with
    /// `createIfNotExist`.
    ///
    /// The answer does not tell which of the two happened, nor need the sandbox be ready. With the feature
    /// `wait` there is [`ensure`](Self::ensure), which tells, and waits.
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if there is one that is being made or ended.
    pub async fn create_if_absent(&self, sandbox: &Sandbox) -> Result<Sandbox, Error> {
        let sandbox = self.with_default_region(sandbox);
        let create = Perform::<CreateSandbox>::new()
            .flag("createIfNotExist", true)
            .input(&sandbox);
        call(&self.service, &create).await
    }
}

/// Makes a sandbox: `CreateSandbox`, with its query parameter.
#[derive(Clone, Copy, Debug)]
pub struct CreateSandbox;

impl Action for CreateSandbox {
    const INFO: OperationInfo = Sandbox::CREATE;
    type Input = Sandbox;
    type Output = Sandbox;
}
