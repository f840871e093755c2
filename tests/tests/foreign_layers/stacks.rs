//! Each layer alone at both positions, and random stacks of layers.

use proptest::prelude::*;

use super::layers::{EXTENSIONS_DROPPED, LAYERS, Wrap, with_bodies_left};
use super::rig::{SCENARIOS, Scenario, run};

fn in_paused_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

async fn same(scenario: &Scenario, call: &[Wrap], attempt: &[Wrap]) {
    let plain = run(scenario, &[], &[]).await;
    let layered = run(scenario, call, attempt).await;
    assert_eq!(
        layered, plain,
        "{scenario:?} behind {call:?} and {attempt:?}"
    );
}

#[test]
fn a_single_layer_changes_no_outcome() {
    in_paused_time(async {
        for scenario in SCENARIOS {
            for layer in LAYERS.iter().chain([&EXTENSIONS_DROPPED]) {
                same(scenario, &[*layer], &[]).await;
                same(scenario, &[], &[*layer]).await;
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_stack_of_layers_changes_no_outcome(
        scenario in proptest::sample::select(SCENARIOS),
        call in proptest::collection::vec(proptest::sample::select(LAYERS), 0..5),
        attempt in proptest::collection::vec(proptest::sample::select(LAYERS), 0..5),
    ) {
        in_paused_time(same(&scenario, &call, &attempt));
    }

    /// The body is the context's second carrier, for layers that drop the request's extensions.
    #[test]
    fn a_stack_that_drops_extensions_changes_no_outcome(
        scenario in proptest::sample::select(SCENARIOS),
        call in proptest::collection::vec(proptest::sample::select(with_bodies_left()), 0..5),
        attempt in proptest::collection::vec(proptest::sample::select(with_bodies_left()), 0..5),
    ) {
        in_paused_time(same(&scenario, &call, &attempt));
    }
}
