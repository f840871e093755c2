//! Code models. The simulated sandbox reaches no provider, so that each call is refused in the words of the server.

use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::codegen::{CodeEdit, RankOptions};

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    world.put("/app/main.rs", "fn main() {}");
    let codegen = world.sandbox().codegen();
    let edit = CodeEdit::new("fn main() { todo!() }").model("any");
    let options = RankOptions::new("where is it?")
        .score_threshold(0.5)
        .token_limit(1000)
        .file_pattern(".*");
    let edited = codegen.apply_edit("/app/main.rs", &edit).await;
    let ranked = codegen.rank("/app", &options).await;
    for error in [edited.unwrap_err(), ranked.unwrap_err()] {
        assert_eq!(error.status(), Some(http::StatusCode::BAD_REQUEST));
        assert!(error.to_string().contains("not configured"), "{error}");
    }
    world.expect(&["ApplyEdit", "RankFiles"]);
    assert_eq!(world.content("/app/main.rs"), "fn main() {}");

    // With a key of one provider, the other one's call says which key is missing.
    world.put("/bl/metadata", r#"{"environment": {"MORPH_API_KEY": "k"}}"#);
    world.sandbox().reload_environment().await.unwrap();
    world.expect(&["ReloadEnvironment"]);
    let error = codegen.apply_edit("/app/main.rs", &edit).await.unwrap_err();
    assert_eq!(error.status(), Some(http::StatusCode::UNPROCESSABLE_ENTITY));
    let error = codegen.rank("/app", &options).await.unwrap_err();
    assert_eq!(error.status(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
    assert!(error.to_string().contains("RELACE_API_KEY"), "{error}");
    world.expect(&["ApplyEdit", "RankFiles"]);
}
