//! Signing a person in from a terminal.
//!
//! `cargo run --example login` does it on an emulator inside this process, where the sign-in confirms
//! itself after two seconds. On the real platform the person opens the address and confirms the
//! code. There `Variables::from_process()` takes the place of the variables made up here, and all else is
//! the same.

use std::process::ExitCode;
use std::time::SystemTime;

use blaxel::auth::{DeviceLogin, Variables};
use blaxel::transport::HyperTransport;
use blaxel::{ClientBuilder, Credentials, ListParams, Management};
use blaxel_emulator::Emulator;

/// Whatever ends the program early.
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

    // The requests of the sign-in go straight to the wire: they are no operations of the API.
    let login = DeviceLogin::from_variables(&variables, HyperTransport::default())?;
    let credentials = login
        .sign_in(|prompt| {
            println!("Open     {}", prompt.url());
            println!("Confirm  {}", prompt.user_code());
            let minutes = prompt.expires_in().as_secs() / 60;
            println!("There are {minutes} minutes for it.");
        })
        .await?;
    tell(&credentials);

    // The client calls the same platform, and renews the tokens from now on.
    let client = ClientBuilder::from_variables(&variables)?
        .credentials(credentials)
        .build()?;
    let models = Management::new(client).models();
    let page = models.list_with(&ListParams::new().limit(3)).await?;
    println!("It can see {} models, for one thing.", page.len());
    Ok(())
}

/// Says what the credentials are, and shows no token.
fn tell(credentials: &Credentials) {
    println!("\nSigned in.");
    println!("Kind     {}", credentials.kind());
    println!("Source   {}", credentials.source());
    let expires = credentials.tokens().and_then(|tokens| tokens.expires_at());
    let left = expires.and_then(|time| time.duration_since(SystemTime::now()).ok());
    match left {
        Some(left) => println!(
            "Expires  in {} minutes, unless it is renewed",
            left.as_secs() / 60
        ),
        None => println!("Expires  nobody said when"),
    }
}
