//! The collection of each kind of manifest.

/// Calls a function with the collection of a manifest's kind, and with the manifest. Tokens of previews have a function
/// of their own, because the API cannot replace them. A kind that the crate was compiled without is an error.
macro_rules! in_collection {
    ($management:expr, $manifest:expr, $act:ident, $act_on_token:ident) => {
        match $manifest.kind() {
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Policy => {
                $act(&$management.policies(), $manifest).await
            }
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Model => $act(&$management.models(), $manifest).await,
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Function => {
                $act(&$management.functions(), $manifest).await
            }
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Agent => $act(&$management.agents(), $manifest).await,
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Application => {
                $act(&$management.applications(), $manifest).await
            }
            #[cfg(feature = "workloads")]
            $crate::manifests::ManifestKind::Job => $act(&$management.jobs(), $manifest).await,
            #[cfg(feature = "catalog")]
            $crate::manifests::ManifestKind::IntegrationConnection => {
                $act(&$management.integration_connections(), $manifest).await
            }
            #[cfg(feature = "storage")]
            $crate::manifests::ManifestKind::VolumeTemplate => {
                $act(&$management.volume_templates(), $manifest).await
            }
            #[cfg(feature = "storage")]
            $crate::manifests::ManifestKind::Volume => {
                $act(&$management.volumes(), $manifest).await
            }
            #[cfg(feature = "storage")]
            $crate::manifests::ManifestKind::Drive => $act(&$management.drives(), $manifest).await,
            #[cfg(feature = "sandboxes")]
            $crate::manifests::ManifestKind::Sandbox => {
                $act(&$management.sandboxes(), $manifest).await
            }
            #[cfg(feature = "sandboxes")]
            $crate::manifests::ManifestKind::Preview => {
                let [sandbox] = $manifest.parents()?;
                $act(&$management.sandboxes().previews(sandbox), $manifest).await
            }
            #[cfg(feature = "sandboxes")]
            $crate::manifests::ManifestKind::PreviewToken => {
                let [sandbox, preview] = $manifest.parents()?;
                let tokens = $management.sandboxes().previews(sandbox).tokens(preview);
                $act_on_token(&tokens, $manifest).await
            }
            kind => Err($crate::manifests::not_compiled(kind)),
        }
    };
}

pub(super) use in_collection;
