//! The pipelines of traces, metrics and logs.

use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::{HeaderInjector, HttpClient};
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::Failure;
use crate::exporter::Exporter;
use crate::workload::Workload;

/// The instrumentation scope of the program.
const SCOPE: &str = "support-bot";

/// The pipelines of a program. They work until they are shut down.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Starts the pipelines to a collector.
    pub(crate) fn start(
        collector: &str,
        exporter: Exporter,
        workload: &Workload,
    ) -> Result<Self, Failure> {
        let client: Arc<dyn HttpClient> = Arc::new(exporter);
        let url = |signal: &str| format!("{collector}/v1/{signal}");
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(url("traces"))
            .with_shared_http_client(Arc::clone(&client))
            .build()?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(url("metrics"))
            .with_shared_http_client(Arc::clone(&client))
            .build()?;
        let logs = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(url("logs"))
            .with_shared_http_client(client)
            .build()?;
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_resource(workload.resource())
                .with_span_processor(workload.stamp())
                .with_batch_exporter(spans)
                .build(),
            metrics: SdkMeterProvider::builder()
                .with_resource(workload.resource())
                .with_periodic_exporter(metrics)
                .build(),
            logs: SdkLoggerProvider::builder()
                .with_resource(workload.resource())
                .with_batch_exporter(logs)
                .build(),
        })
    }

    /// Returns the meter of the program.
    pub(crate) fn meter(&self) -> Meter {
        self.metrics.meter(SCOPE)
    }

    /// Returns a subscriber that turns the spans of `tracing` into traces, and its events into logs.
    pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        // A lower level would export what the libraries below say about the exports themselves.
        let traces = tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer(SCOPE))
            .with_filter(LevelFilter::INFO);
        let logs = OpenTelemetryTracingBridge::new(&self.logs).with_filter(LevelFilter::INFO);
        Registry::default().with(traces).with(logs)
    }

    /// Exports what is left, and ends the pipelines.
    pub(crate) async fn shutdown(self) -> Result<(), Failure> {
        // It waits for exports that the runtime sends, so it must not block the runtime.
        let shutdown = move || {
            self.traces.shutdown()?;
            self.metrics.shutdown()?;
            self.logs.shutdown()
        };
        Ok(tokio::task::spawn_blocking(shutdown).await??)
    }
}

/// Writes the context of the current span into the headers of a request.
pub(crate) fn propagate(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
}
