//! Builds an image that is declared in code, prints the log of the build, and runs a command in the sandbox.
//!
//! `cargo run --example image --features image-builder` runs on an emulator in this process, which does not run the
//! steps of the image. With `--live` it builds on the real platform, in the workspace of the environment or of the
//! CLI's configuration.

use std::env;
use std::process::ExitCode;

use blaxel::management::image_builder::{
    Apt, IgnoreRules, ImageBuild, ImageDefinition, LocalDir, Pip, Template,
};
use blaxel::sandbox::Sandbox;
use blaxel::{Client, Sandboxes};
use blaxel_emulator::Emulator;

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

/// The name of the sandbox.
const NAME: &str = "image-example";

#[tokio::main]
async fn main() -> ExitCode {
    match run(env::args().any(|argument| argument == "--live")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the build failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(live: bool) -> Result<(), Failure> {
    if live {
        return build(Client::from_env()?).await;
    }
    let emulator = Emulator::builder().real_clock().start().await?;
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .build()?;
    build(client).await
}

/// Declares the image: packages, a program of this directory, and its settings.
fn image() -> Result<ImageDefinition, Failure> {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/image");
    let sources = LocalDir::new(sources).ignore(IgnoreRules::parse("**/*.log\n**/target")?);
    let path = Template::new("/opt/tools/bin:").variable("PATH");
    Ok(ImageDefinition::from_registry("python:3.12-slim")
        .install(Apt::new(["git", "curl"]))
        .install(Pip::new(["httpx[http2]>=0.28"]))
        .env("PATH", path)
        .env("GREETING", "it costs \"$5\"")
        .copy_dir(sources, "/app")
        .copy_bytes("theme = \"dark\"\n", "/etc/app.toml")
        .workdir("/app")
        .run("python -m compileall . &&\necho done"))
}

/// Builds a sandbox and uses it.
async fn build(client: Client) -> Result<(), Failure> {
    let image = image()?;
    println!("{}", image.dockerfile()?);
    println!("The digest is {}.\n", image.digest().await?.short());

    let sandboxes = Sandboxes::new(client);
    let build = ImageBuild::new(image);
    let draft = Sandbox::new(NAME);
    let mut running = sandboxes.collection().build(&draft, &build).await?;
    while let Some(entry) = running.try_next().await? {
        println!("{}", entry.message.unwrap_or_default());
    }
    let sandbox = sandboxes.handle_of(&running.finish().await?);
    let output = sandbox.command("echo").arg("it runs").output().await?;
    print!("{}", String::from_utf8_lossy(&output.stdout));

    // The second time, there is nothing to build.
    let again = sandboxes.collection().build(&draft, &build).await?;
    println!("Built again: {}.", !again.is_unchanged());
    sandboxes.delete(NAME).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_example_runs_on_the_emulator() {
        run(false).await.unwrap();
    }
}
