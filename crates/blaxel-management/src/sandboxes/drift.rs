//! The differences between a sandbox and the draft that asked for it.

use std::fmt;

use blaxel_core::Error;

use super::{Sandbox, SandboxRuntime};
use crate::size::Megabytes;
use crate::workload::EnvVariable;

/// The differences between an existing sandbox and the draft that asked for it. [`Sandbox::drift_from`] returns it.
///
/// The `Display` output lists them. It never contains the value of an environment variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    differences: Vec<Difference>,
}

/// A difference between an existing sandbox and the draft that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Another image. A reference without a tag or a digest counts as the tag `latest`.
    #[non_exhaustive]
    Image {
        /// The image of the draft.
        wanted: String,
        /// The image of the sandbox.
        found: String,
    },
    /// Another amount of memory.
    #[non_exhaustive]
    Memory {
        /// The memory of the draft.
        wanted: Megabytes,
        /// The memory of the sandbox.
        found: Megabytes,
    },
    /// Another region.
    #[non_exhaustive]
    Region {
        /// The region of the draft.
        wanted: String,
        /// The region of the sandbox.
        found: String,
    },
    /// An environment variable that the sandbox does not have, or has with another value.
    #[non_exhaustive]
    Env {
        /// The name of the variable.
        name: String,
    },
}

impl Drift {
    /// Returns the drift among the causes of an error.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns `true` if there is no difference.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// Returns the differences: image, memory, region, then environment variables in the order of the draft.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

impl Sandbox {
    /// Compares a sandbox that the server returned with the draft that asked for it.
    ///
    /// Image, memory, region and environment variables are compared, and only those that the draft sets. The value of a
    /// variable is compared unless the server masks it. Variables of the sandbox that the draft does not have are no
    /// difference, and neither are members that the response does not contain.
    ///
    /// ```no_run
    /// # async fn example(sandboxes: blaxel_management::Collection<
    /// #     blaxel_management::sandboxes::Sandbox, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let draft = Sandbox::new("code-runner").image("my-team/runner:2");
    /// let sandbox = sandboxes.create_if_absent(&draft).await?;
    /// let drift = sandbox.drift_from(&draft);
    /// if !drift.is_empty() {
    ///     eprintln!("the sandbox exists already, and differs: {drift}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn drift_from(&self, draft: &Self) -> Drift {
        let mut differences = Vec::new();
        let nothing = SandboxRuntime::default();
        let wanted = draft.spec.runtime.as_ref().unwrap_or(&nothing);
        let found = self.spec.runtime.as_ref().unwrap_or(&nothing);
        if let (Some(wanted), Some(found)) = (&wanted.image, &found.image)
            && !is_same_image(wanted, found)
        {
            let (wanted, found) = (wanted.clone(), found.clone());
            differences.push(Difference::Image { wanted, found });
        }
        if let (Some(wanted), Some(found)) = (wanted.memory, found.memory)
            && wanted != found
        {
            differences.push(Difference::Memory { wanted, found });
        }
        if let (Some(wanted), Some(found)) = (&draft.spec.region, &self.spec.region)
            && wanted != found
        {
            let (wanted, found) = (wanted.clone(), found.clone());
            differences.push(Difference::Region { wanted, found });
        }
        let have = found.envs.as_deref().unwrap_or_default();
        for variable in wanted.envs.iter().flatten() {
            let Some(name) = &variable.name else { continue };
            if !has_variable(have, name, variable) {
                differences.push(Difference::Env { name: name.clone() });
            }
        }
        Drift { differences }
    }
}

/// Returns `true` if there is a variable with this name, and its value is masked or the wanted one.
fn has_variable(have: &[EnvVariable], name: &str, wanted: &EnvVariable) -> bool {
    let Some(found) = have.iter().find(|it| it.name.as_deref() == Some(name)) else {
        return false;
    };
    match (&wanted.value, &found.value) {
        (Some(wanted), Some(found)) => wanted == found || is_masked(found.expose()),
        _ => true,
    }
}

/// Returns `true` for the text that the server shows instead of a secret.
fn is_masked(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte == b'*')
}

/// Returns `true` for two references to the same image.
fn is_same_image(one: &str, other: &str) -> bool {
    split(one) == split(other)
}

/// Splits a reference into the repository and the tag or digest, which is `latest` by default.
fn split(reference: &str) -> (&str, &str) {
    if let Some(parts) = reference.split_once('@') {
        return parts;
    }
    match reference.rsplit_once(':') {
        // Otherwise it is the port of a registry.
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (reference, "latest"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { wanted, found } => write!(f, "the image is `{found}`, not `{wanted}`"),
            Self::Memory { wanted, found } => write!(f, "the memory is {found}, not {wanted}"),
            Self::Region { wanted, found } => write!(f, "the region is `{found}`, not `{wanted}`"),
            Self::Env { name } => write!(f, "the variable `{name}` is missing or different"),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, difference) in self.differences.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{difference}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Drift {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(runtime: &Value) -> Sandbox {
        let document = json!({"metadata": {"name": "box"},
            "spec": {"region": "us-pdx-1", "runtime": runtime}});
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn each_member_that_the_draft_sets_is_compared() {
        let draft = Sandbox::new("box")
            .image("runner:2")
            .memory(2048)
            .region("eu-lon-1")
            .env(EnvVariable::plain("MODE", "fast"))
            .env(EnvVariable::plain("GONE", "canary-1"))
            .env(EnvVariable::hidden("KEY", "canary-2"));
        let sandbox = found(&json!({
            "image": "runner",
            "memory": 4096,
            "envs": [
                {"name": "MODE", "value": "canary-3"},
                {"name": "KEY", "value": "****", "secret": true},
                {"name": "MORE", "value": "1"},
            ],
        }));
        let drift = sandbox.drift_from(&draft);
        assert_eq!(
            drift.to_string(),
            "the image is `runner`, not `runner:2`; the memory is 4096 MB, not 2048 MB; \
             the region is `us-pdx-1`, not `eu-lon-1`; the variable `MODE` is missing or different; \
             the variable `GONE` is missing or different"
        );
        assert!(!format!("{drift:?}").contains("canary"), "{drift:?}");
        assert_eq!(drift.differences().len(), 5);
    }

    #[test]
    fn what_the_draft_or_the_response_leaves_out_is_no_difference() {
        let sandbox = found(&json!({"image": "runner", "memory": 4096}));
        assert!(sandbox.drift_from(&Sandbox::new("box")).is_empty());
        let draft = Sandbox::new("box").image("runner").memory(1);
        assert!(found(&json!({})).drift_from(&draft).is_empty());
    }

    #[test]
    fn references_without_a_tag_are_latest() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for (one, other, same) in [
            ("a", "a:latest", true),
            ("reg:5000/a", "reg:5000/a:latest", true),
            ("reg:5000/a", "reg:5001/a", false),
            ("a:1", "a", false),
            (digest.as_str(), "a", false),
            (digest.as_str(), digest.as_str(), true),
        ] {
            assert_eq!(is_same_image(one, other), same, "{one} {other}");
            assert_eq!(is_same_image(other, one), same, "{one} {other}");
        }
    }
}
