//! The draft of a sandbox with a code interpreter.

use blaxel_core::Period;
use blaxel_management::sandboxes::{ExpirationPolicy, Sandbox, SandboxLifecycle};
use blaxel_management::workload::{Port, PortProtocol};

/// The image of the interpreter.
const IMAGE: &str = "blaxel/jupyter-server";

/// The port of the interpreter.
const PORT: u32 = 8888;

/// Returns the draft of a sandbox with a code interpreter: the image `blaxel/jupyter-server` with the port 8888, deleted
/// after 30 minutes without use. Nothing is sent.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandboxes: blaxel_sandbox::Sandboxes<impl HttpService>) -> Result<(), Error> {
/// use blaxel_sandbox::interpreter;
///
/// let sandbox = sandboxes.ensure(&interpreter::draft("notebook")).await?;
/// let execution = sandbox.interpreter().run("1 + 1").output().await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn draft(name: impl Into<String>) -> Sandbox {
    let idle = ExpirationPolicy::idle(Period::minutes(30));
    Sandbox::new(name)
        .image(IMAGE)
        .port(Port::new(PORT).name("jupyter").protocol(PortProtocol::Http))
        .lifecycle(SandboxLifecycle::new().expiration_policies([idle]))
}
