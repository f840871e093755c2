//! A device sign-in from a terminal.
//!
//! `cargo run --example login` signs in to an emulator in this process, which confirms the sign-in after two
//! seconds. On the real platform, the user opens the URL and confirms the code. There, replace the variables
//! below by `Variables::from_process()`; the rest of the program is the same.

use std::process::ExitCode;
use std::time::SystemTime;

use blaxel::auth::{DeviceLogin, Variables};
use blaxel::transport::HyperTransport;
use blaxel::{ClientBuilder, Credentials, ListParams, Management};
use blaxel_emulator::Emulator;

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("login failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let emulator = Emulator::builder().real_clock().start().await?;
    let variables = Variables::from_iter([
        ("BL_API_URL", emulator.url()),
        ("BL_RUN_URL", emulator.run_url()),
        ("BL_WORKSPACE", emulator.workspace().to_owned()),
    ]);

    // The requests of the sign-in bypass the client, because they are not operations of the API.
    let login = DeviceLogin::from_variables(&variables, HyperTransport::default())?;
    let credentials = login
        .sign_in(|prompt| {
            println!("Open     {}", prompt.url());
            println!("Confirm  {}", prompt.user_code());
            let minutes = prompt.expires_in().as_secs() / 60;
            println!("The code expires in {minutes} minutes.");
        })
        .await?;
    print_credentials(&credentials);

    // The client sends calls to the same platform, and renews the tokens from now on.
    let client = ClientBuilder::from_variables(&variables)?
        .credentials(credentials)
        .build()?;
    let models = Management::new(client).models();
    let page = models.list_with(&ListParams::new().limit(3)).await?;
    println!("The workspace has at least {} models.", page.len());
    Ok(())
}

/// Prints the kind, source and expiry of the credentials, but no token.
fn print_credentials(credentials: &Credentials) {
    println!("\nSigned in.");
    println!("Kind     {}", credentials.kind());
    println!("Source   {}", credentials.source());
    let expires = credentials.tokens().and_then(|tokens| tokens.expires_at());
    let left = expires.and_then(|time| time.duration_since(SystemTime::now()).ok());
    match left {
        Some(left) => println!(
            "Expires  in {} minutes, unless the token is renewed",
            left.as_secs() / 60
        ),
        None => println!("Expires  unknown"),
    }
}
