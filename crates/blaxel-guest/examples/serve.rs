//! Serves a simulated sandbox: `cargo run -p blaxel-guest --example serve -- 8080`.
//!
//! The first argument is the port, 8080 by default. A second one, `august`, chooses the old
//! version. The time is the real one.

use std::error::Error;
use std::net::Ipv4Addr;

use blaxel_guest::{Server, ServerVersion};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments
        .next()
        .map_or(Ok(8080), |port| port.parse::<u16>())?;
    let version = match arguments.next().as_deref() {
        None => ServerVersion::Current,
        Some("august") => ServerVersion::August,
        Some(other) => return Err(format!("unknown version `{other}`").into()),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let listening = Server::simulated()
        .version(version)
        .build()
        .listen(listener)?;
    println!("{}", listening.url());
    std::future::pending::<()>().await;
    Ok(())
}
