//! The public list of deviations.

use blaxel_emulator::Emulator;

use crate::support::get;

/// The list in the documentation is that of the code.
#[tokio::test]
async fn the_documentation_has_the_list_of_the_code() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    let control = |path: &str| {
        let address = format!("https://emulator.invalid/_emulator{path}");
        get(address).bare(&service)
    };
    let list = control("/deviations").await.expect(200);
    let areas = list["areas"].as_array().unwrap();
    assert!(areas.len() > 10);
    let kinds = ["differs", "left_out", "assumed"];
    for one in areas
        .iter()
        .flat_map(|area| area["deviations"].as_array().unwrap())
    {
        assert!(kinds.iter().any(|kind| one["kind"] == *kind), "{one}");
    }
    let text = control("/deviations.md").await;
    let text = std::str::from_utf8(&text.bytes).unwrap().to_owned();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/emulator-deviations.md"
    );
    let documented = std::fs::read_to_string(path).unwrap();
    assert!(
        text == documented,
        "docs/emulator-deviations.md is outdated. Write it again:\n\
         cargo run -p blaxel-emulator -- --deviations > docs/emulator-deviations.md"
    );
}
