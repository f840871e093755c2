//! Values for members that the draft of a sandbox leaves out.

use super::Sandbox;
use crate::size::Megabytes;

/// The image of [`SandboxDefaults::standard`].
const IMAGE: &str = "blaxel/base-image:latest";

/// The memory of [`SandboxDefaults::standard`].
const MEMORY: Megabytes = Megabytes::gigabytes(4);

/// Values for members that the draft of a sandbox leaves out.
///
/// [`Sandbox::with_defaults`] fills them in, and so do calls whose settings have them, such as `Creation` and `Ensure`. A
/// member that the draft has is never changed. The default region is a
/// setting of its own, because it applies to other kinds as well: see
/// [`Management::with_region`](crate::Management::with_region).
///
/// ```
/// use blaxel_management::Megabytes;
/// use blaxel_management::sandboxes::{Sandbox, SandboxDefaults};
///
/// let defaults = SandboxDefaults::standard().memory(Megabytes::gigabytes(8));
/// let sandbox = Sandbox::new("code-runner").image("blaxel/nextjs:latest").with_defaults(&defaults);
/// let runtime = sandbox.spec.runtime.unwrap();
/// assert_eq!(runtime.image.as_deref(), Some("blaxel/nextjs:latest"));
/// assert_eq!(runtime.memory, Some(Megabytes::new(8192)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SandboxDefaults {
    image: Option<String>,
    memory: Option<Megabytes>,
}

impl SandboxDefaults {
    /// Creates defaults that fill in nothing, so the server's defaults apply.
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates the defaults of the platform's SDKs: the image `blaxel/base-image:latest` and 4096 MB of memory.
    pub fn standard() -> Self {
        Self {
            image: Some(IMAGE.to_owned()),
            memory: Some(MEMORY),
        }
    }

    /// Sets the image of sandboxes that name none.
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// Sets the memory of sandboxes that name none.
    pub fn memory(mut self, memory: impl Into<Megabytes>) -> Self {
        self.memory = Some(memory.into());
        self
    }
}

impl Sandbox {
    /// Fills in the members that are left out and have a default. Members that are set stay as they are.
    ///
    /// See [`SandboxDefaults`] for an example.
    #[must_use]
    pub fn with_defaults(mut self, defaults: &SandboxDefaults) -> Self {
        if defaults.image.is_none() && defaults.memory.is_none() {
            return self;
        }
        let runtime = self.runtime_mut();
        if runtime.image.is_none() {
            runtime.image.clone_from(&defaults.image);
        }
        runtime.memory = runtime.memory.or(defaults.memory);
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn only_members_that_are_left_out_are_filled_in() {
        let standard = SandboxDefaults::standard();
        let filled = |draft: Sandbox| to_value(draft.with_defaults(&standard)).unwrap();
        assert_eq!(
            filled(Sandbox::unnamed())["spec"],
            json!({"runtime": {"image": "blaxel/base-image:latest", "memory": 4096}})
        );
        let own = Sandbox::new("box").image("mine").memory(2048);
        assert_eq!(filled(own.clone()), to_value(&own).unwrap());
        let none = Sandbox::new("box").with_defaults(&SandboxDefaults::none());
        assert_eq!(none, Sandbox::new("box"));
    }
}
