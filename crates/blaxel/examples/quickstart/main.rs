//! A tour of the SDK: use a sandbox, list models, manage and call an agent, stream from a model, read costs.
//!
//! `cargo run --example quickstart` runs the whole tour on an emulator in this process.
//! `cargo run --example quickstart -- --live` runs its read-only part on the real platform, with the
//! credentials of the environment or of the Blaxel CLI.

mod cost_table;
mod tour;

use std::process::ExitCode;

use blaxel::{Client, Credentials, Error};
use blaxel_emulator::Emulator;

const USAGE: &str = "usage: quickstart [--live]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => on_the_emulator().await,
        ["--live"] => on_the_platform().await,
        ["--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nquickstart failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the whole tour on an emulator.
async fn on_the_emulator() -> Result<(), Failure> {
    // The emulator listens on a free loopback port, and stops when it is dropped.
    let emulator = Emulator::start().await?;
    println!("An emulator of Blaxel listens on {}.", emulator.url());

    let credentials =
        Credentials::client_credentials(emulator.client_id(), emulator.client_secret())?;
    println!("The client signs in with client credentials when it makes its first call.");
    let client = Client::builder()
        .credentials(credentials)
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .build()?;

    tour::sandbox(&client).await?;
    tour::models(&client, 3).await?;
    tour::agent_life(&client).await?;
    tour::conversation(&client).await?;
    tour::costs(&client).await?;
    tour::unknown_version(&client).await?;
    tour::check_journal(&emulator.journal())?;
    println!("\nDone: every call above went over a real HTTP socket.");
    println!("Next: docs/guide has a page for each task.");
    Ok(())
}

/// Runs the read-only part of the tour on the platform.
async fn on_the_platform() -> Result<(), Failure> {
    let client = Client::from_env()?;
    let workspace = client
        .workspace()
        .map_or("(the credential's own)", |name| name.as_str());
    println!(
        "Reading from {} in workspace {workspace}.",
        client.endpoints().control
    );

    tour::models(&client, 50).await?;
    tour::agents(&client).await?;
    if let Err(error) = tour::costs(&client).await {
        // Costs belong to the account, which not every credential can read.
        println!("This credential cannot read the costs: {error}");
    }
    tour::unknown_version(&client).await?;
    println!("\nDone. Nothing was changed.");
    Ok(())
}

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

/// Prints the heading of a step, with the API operations that it uses.
fn heading(text: &str) {
    println!("\n== {text}");
}

/// Returns the error of a call that must fail, or an error if the call succeeded.
fn expect_error<T>(outcome: Result<T, Error>, what: &str) -> Result<Error, Failure> {
    match outcome {
        Ok(_) => Err(format!("expected an error, but {what} was accepted").into()),
        Err(error) => Ok(error),
    }
}
