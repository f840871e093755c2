//! The simulated machine of the sandbox. It has no Python, so a script and a service stand for the web server.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use blaxel_emulator::blaxel_guest::{Clock, CommandPattern, Guest as _, Script, SimulatedGuest};

/// Creates a machine whose port serves the page that is in its files.
pub(crate) fn machine(clock: &Clock, port: u16, page: &'static str) -> SimulatedGuest {
    let guest = SimulatedGuest::new(clock.clone());
    let files = guest.files();
    let serve = async move || match files.read(page) {
        Ok(bytes) => Ok(Html(bytes)),
        Err(_) => Err(StatusCode::NOT_FOUND),
    };
    guest.on_port(port, Router::new().route("/", get(serve)));
    let server = Script::stdout("Serving HTTP\n").then(Script::forever());
    guest.on_command(CommandPattern::prefix("python3 -m http.server"), server);
    guest
}
