//! The identity of the workload, as the platform's own SDKs export it.

use std::time::Duration;

use blaxel::blaxel_core::Workspace;
use opentelemetry::trace::Span as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// The name and the type of the workload, and its workspace.
pub(crate) struct Workload {
    name: String,
    attributes: Vec<KeyValue>,
}

impl Workload {
    /// Reads the variables that the platform sets.
    pub(crate) fn new(workspace: &Workspace, variables: impl Fn(&str) -> Option<String>) -> Self {
        let name = variables("BL_NAME").unwrap_or_else(|| "unknown".to_owned());
        let mut attributes = vec![
            KeyValue::new("workload.id", name.clone()),
            KeyValue::new("workspace", workspace.to_string()),
        ];
        // The plural, such as `agents`.
        let kind = variables("BL_TYPE").map(|kind| KeyValue::new("workload.type", kind + "s"));
        attributes.extend(kind);
        Self { name, attributes }
    }

    /// Returns the resource that all signals belong to.
    pub(crate) fn resource(&self) -> Resource {
        Resource::builder()
            .with_service_name(self.name.clone())
            .with_attributes(self.attributes.clone())
            .build()
    }

    /// Returns a processor that repeats the identity on each span.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(self.attributes.clone())
    }
}

/// Adds attributes to each span.
#[derive(Debug)]
pub(crate) struct Stamp(Vec<KeyValue>);

impl SpanProcessor for Stamp {
    fn on_start(&self, span: &mut Span, _: &Context) {
        span.set_attributes(self.0.iter().cloned());
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
