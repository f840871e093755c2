//! The loop that runs a target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use blaxel_tests::random::Random;

use super::input::{Format, Input};

/// The memory that a call may use beyond a multiple of the body: buffers, requests and errors.
const BASE: u64 = 512 << 10;

/// The memory for each byte of a body. A character of JSON can be a member or an element.
const FACTOR: u64 = 200;

/// Runs a target until the time is over. It returns what it has seen as text.
pub fn run(format: &Format, target: impl Fn(&Input) -> String) {
    let seconds = std::env::var("FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut inputs, mut results) = (0_u64, std::collections::BTreeSet::new());
    while Instant::now() < end {
        let input = format.input(&mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut whole = String::new();
            let memory = measure(|| whole = target(&input.whole()));
            let limit = BASE + FACTOR * input.bytes.len() as u64;
            assert!(memory.bytes_max < limit, "{memory:?} is more than {limit}");
            assert_eq!(target(&input), whole, "the result depends on the chunks");
            whole
        }));
        let shown = input.bytes.escape_ascii();
        let Ok(result) = outcome else {
            panic!(
                "failed on {shown}\ncut at {:?}, flags {}",
                input.cuts, input.flags
            );
        };
        results.insert(result);
        inputs += 1;
    }
    // A target that decodes nothing has the same result for all inputs.
    let kinds = results.len();
    assert!(
        inputs > 20 && kinds > 10,
        "{inputs} inputs, {kinds} results"
    );
}
