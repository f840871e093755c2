//! Drafts of sandboxes from the platform's catalog.

use super::{ExtraArgs, Sandbox};
use crate::hubs::SandboxDefinition;

impl Sandbox {
    /// Creates a draft of a sandbox from a definition of the [catalog](crate::Management::sandbox_hub), in memory
    /// only.
    ///
    /// The draft has the definition's image, memory, ports, kernel features and volumes. The members that the
    /// definition leaves out are left out, so the server's defaults apply.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Sandbox;
    ///
    /// let catalog = management.sandbox_hub().all().await?;
    /// if let Some(vscode) = catalog.iter().find(|it| it.name.as_deref() == Some("vscode")) {
    ///     let draft = Sandbox::from_definition("my-editor", vscode);
    ///     management.sandboxes().create(&draft).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_definition(name: impl Into<String>, definition: &SandboxDefinition) -> Self {
        let mut sandbox = Self::new(name);
        let runtime = sandbox.runtime_mut();
        runtime.image.clone_from(&definition.image);
        runtime.memory = definition.memory;
        runtime.ports.clone_from(&definition.ports);
        if let Some(options) = &definition.creation_options {
            runtime.extra_args = options.extra_args.clone().map(ExtraArgs::from_iter);
            sandbox.spec.volumes.clone_from(&options.volumes);
        }
        sandbox
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_draft_has_the_settings_of_its_definition_and_no_others() {
        let definition: SandboxDefinition = serde_json::from_value(json!({
            "name": "vscode", "image": "blaxel/vscode:latest", "memory": 4096, "tags": "editor",
            "ports": [{"target": 8081}],
            "creationOptions": {
                "extraArgs": {"nfs": "enabled"},
                "volumes": [{"type": "ephemeral", "mountPath": "/data", "sizeMb": 512}],
            },
        }))
        .unwrap();
        let draft = Sandbox::from_definition("my-editor", &definition);
        let expected = json!({
            "metadata": {"name": "my-editor"},
            "spec": {
                "runtime": {
                    "image": "blaxel/vscode:latest", "memory": 4096, "ports": [{"target": 8081}],
                    "extraArgs": {"nfs": "enabled"},
                },
                "volumes": [{"type": "ephemeral", "mountPath": "/data", "sizeMb": 512}],
            },
        });
        assert_eq!(serde_json::to_value(&draft).unwrap(), expected);

        let plain = Sandbox::from_definition("a", &SandboxDefinition::default());
        let expected = json!({"metadata": {"name": "a"}, "spec": {"runtime": {}}});
        assert_eq!(serde_json::to_value(&plain).unwrap(), expected);
    }
}
