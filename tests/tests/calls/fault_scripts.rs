//! Promise: whatever fails, in whatever order, no request that must not be repeated is processed
//! twice, each error reports correctly whether its request was processed, no call hangs, and no
//! error shows the credential.
//!
//! `cargo xtask soak` does the same for much longer. The variable `BLAXEL_FAULT_SCRIPTS` sets the
//! number of scripts, `BLAXEL_FAULT_SEED` the seed.

use blaxel_tests::soak::{FAULTS, Script, Until, run};

/// Default number of scripts.
const SCRIPTS: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_script_breaks_a_promise() {
    let scripts = std::env::var("BLAXEL_FAULT_SCRIPTS");
    let scripts = scripts.ok().and_then(|scripts| scripts.parse().ok());
    let tally = run(Until::Scripts(scripts.unwrap_or(SCRIPTS))).await;
    assert!(tally.broken.is_empty(), "{tally}");
}

#[test]
fn a_seed_determines_its_scripts_and_all_faults_occur() {
    let generate = |seed| (0..2000).map(move |number| Script::generate(seed, number));
    assert!(
        generate(7)
            .zip(generate(7))
            .all(|(a, b)| format!("{a:?}") == format!("{b:?}"))
    );
    let drawn: std::collections::HashSet<_> =
        generate(7).flat_map(|script| script.faults).collect();
    assert!(FAULTS.iter().all(|fault| drawn.contains(fault)));
}
