//! Traces, metrics and logs of an agent, exported by OpenTelemetry with fresh headers of Blaxel.
//!
//! `cargo run --example telemetry --features mcp` runs an agent on an emulator in this process, exports to a collector in
//! this process, and prints the spans that arrive there. On the platform, the variables `BL_NAME`, `BL_TYPE` and
//! `BL_WORKSPACE` describe the workload, and `OTEL_EXPORTER_OTLP_ENDPOINT` is the collector.

mod agent;
mod collector;
mod exporter;
mod spans;
mod telemetry;
mod workload;

use std::process::ExitCode;

use blaxel::Client;
use blaxel::auth::{Authenticator, HeaderProvider};
use blaxel::blaxel_core::{BaseUrl, Workspace};
use blaxel::transport::HyperTransport;
use blaxel::{Credentials, transport::PropagateLayer};
use blaxel_emulator::Emulator;

use agent::Agent;
use collector::Collector;
use exporter::Exporter;
use telemetry::Telemetry;
use workload::Workload;

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("telemetry failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let emulator = Emulator::start().await?;
    emulator.add("functions", "search")?;
    let collector = Collector::start().await?;
    observe(&emulator, &collector).await?;
    for export in collector.exports() {
        let workspace = export.headers.get("x-blaxel-workspace");
        let (workload, outcome) = (export.resource("workload.id"), export.is_accepted);
        println!(
            "{}: {workload:?} in {workspace:?}, accepted: {outcome}",
            export.signal
        );
    }
    for span in collector.spans() {
        let workload = span.workload.unwrap_or_default();
        println!("{} {workload} {:<12} {}", span.trace, span.kind, span.name);
    }
    Ok(())
}

/// Runs the agent once, and exports what it did.
async fn observe(emulator: &Emulator, collector: &Collector) -> Result<(), Failure> {
    let api = emulator.url().parse::<BaseUrl>()?;
    let workspace = emulator.workspace().parse::<Workspace>()?;
    let credentials =
        Credentials::client_credentials(emulator.client_id(), emulator.client_secret())?;
    let authenticator = Authenticator::new(&credentials, &api, HyperTransport::default());
    let headers = HeaderProvider::new(authenticator).with_workspace(&workspace);

    // The platform sets these variables.
    let variables = [("BL_NAME", "support-bot"), ("BL_TYPE", "agent")];
    let workload = Workload::new(&workspace, |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    let telemetry = Telemetry::start(collector.url(), Exporter::new(headers), &workload)?;
    // A whole program uses `init`, so that all of its threads are observed.
    let guard = tracing::subscriber::set_default(telemetry.subscriber());

    let client = Client::builder()
        .credentials(credentials)
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .attempt_layer(PropagateLayer::new(telemetry::propagate))
        .build()?;
    let agent = Agent::new(client, &telemetry.meter());
    let answer = agent.answer("Will it rain in Oslo?").await;
    drop(guard);
    telemetry.shutdown().await?;
    println!("{}", answer?);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use blaxel_emulator::{Behavior, Workload};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn traces_metrics_and_logs_arrive_with_fresh_headers_and_the_identity_of_the_workload() {
        let emulator = Emulator::start().await.unwrap();
        emulator.add("functions", "search").unwrap();
        let model = emulator.script(&Workload::model(agent::MODEL));
        model.always(Behavior::say("It rains."));
        let collector = Collector::start().await.unwrap();
        observe(&emulator, &collector).await.unwrap();

        // The collector refuses the first token, so it is replaced.
        let exports = collector.exports();
        let accepted: Vec<_> = exports.iter().filter(|export| export.is_accepted).collect();
        assert_eq!(exports.len(), accepted.len() + 1);
        for export in &accepted {
            assert_eq!(export.headers["x-blaxel-workspace"], emulator.workspace());
            let token = export.headers["x-blaxel-authorization"].to_str().unwrap();
            assert!(token.starts_with("Bearer "), "{token}");
            for (key, value) in [
                ("service.name", "support-bot"),
                ("workload.id", "support-bot"),
                ("workload.type", "agents"),
                ("workspace", emulator.workspace()),
            ] {
                assert_eq!(
                    export.resource(key),
                    Some(value),
                    "{key}: {:?}",
                    export.body
                );
            }
        }
        for signal in ["traces", "metrics", "logs"] {
            assert!(
                accepted.iter().any(|export| export.signal == signal),
                "{signal}"
            );
        }

        // One trace, whose root is the run of the agent.
        let spans = collector.spans();
        let kinds = |kind: &str| spans.iter().filter(|span| span.kind == kind).count();
        assert_eq!(kinds("agent.run"), 1, "{spans:?}");
        assert_eq!(
            (kinds("tool.list"), kinds("tool.call")),
            (1, 1),
            "{spans:?}"
        );
        assert!(kinds("mcp.message") >= 2, "{spans:?}");
        let root = spans.iter().find(|span| span.kind == "agent.run").unwrap();
        for span in &spans {
            assert_eq!(span.trace, root.trace, "{span:?}");
            assert_eq!(span.workload.as_deref(), Some("support-bot"), "{span:?}");
        }
        // The model continues the trace.
        let context = model.calls()[0].header("traceparent").unwrap().to_owned();
        assert!(context.contains(&root.trace), "{context}");

        let exported = collector.text();
        for expected in ["agent.runs", "agent.duration", "the agent has answered"] {
            assert!(exported.contains(expected), "{expected}");
        }
        assert!(!exported.contains(emulator.client_secret()));
    }
}
