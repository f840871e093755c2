//! The emulator as a server.

use std::io::{self, Write as _};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blaxel_core::__private::quote;
use blaxel_core::{Body, open, response};
use blaxel_emulator::Emulator;
use tokio::sync::oneshot;

use super::at_end::{AtEnd, stopped};
use super::setup::Setup;

/// Prints how to reach the emulator, and serves until it is asked to end.
pub(super) async fn serve(
    setup: Setup,
    until_stdin_closes: bool,
    at_end: &AtEnd,
) -> io::Result<()> {
    let stopped = stopped();
    let started = setup.start().await?;
    let emulator = &started.emulator;
    let mut out = io::stdout();
    out.write_all(exports(emulator).as_bytes())?;
    out.flush()?;
    eprintln!(
        "The emulator serves at {}, and its page for people at {}; press Ctrl-C to stop it.",
        emulator.url(),
        page(emulator)
    );
    if let Some(seed) = emulator.chaos_seed() {
        eprintln!("Faults come by chance; --chaos {seed} repeats them.");
    }
    tokio::select! {
        ended = stopped => ended?,
        () = stdin_closes(), if until_stdin_closes => {}
    }
    at_end.write(emulator)
}

/// Returns the address of the page for people.
fn page(emulator: &Emulator) -> String {
    emulator.url().replace("/v0", "/")
}

/// Returns the lines for a shell to evaluate. The OAuth 2.0 client is a comment, since clients take
/// the API key if both are set, or disagree; and so is the proxy, which all programs of the shell would use.
fn exports(emulator: &Emulator) -> String {
    let mut lines = String::new();
    for (name, value) in emulator.variables() {
        lines.push_str(&format!("export {name}={}\n", quote(&value)));
    }
    for (name, value) in emulator.proxy_variables() {
        lines.push_str(&format!("# {name}={value}\n"));
    }
    let client = format!("{}:{}", emulator.client_id(), emulator.client_secret());
    let client = BASE64_STANDARD.encode(client);
    lines.push_str(&format!("# BL_CLIENT_CREDENTIALS={client}\n"));
    lines
}

/// Waits until the standard input is closed. Input is discarded.
async fn stdin_closes() {
    let (sender, receiver) = oneshot::channel();
    // A separate thread, since the runtime would wait for one of its own before it ends.
    thread::spawn(move || {
        // An error counts as the end of the input.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    });
    let _ = receiver.await;
}

/// Prints a document as the emulator serves it at a path.
pub(super) async fn print(path: &str) -> io::Result<()> {
    let emulator = Emulator::offline();
    let address = emulator.url().replace("/v0", path);
    let request = http::Request::get(address).body(Body::empty());
    let request = request.map_err(io::Error::other)?;
    let response = open(&emulator.service(), request).await;
    let body = response.map_err(io::Error::other)?.into_body();
    let collected = response::collect(body, usize::MAX).await;
    let mut document = collected.map_err(io::Error::other)?.to_vec();
    if !document.ends_with(b"\n") {
        document.push(b'\n');
    }
    io::stdout().write_all(&document)
}
