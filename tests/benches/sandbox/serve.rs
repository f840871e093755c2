//! The emulator that the clients call.

use std::io::{self, Read};

use blaxel_emulator::Emulator;

use super::machine::{machine, prepare};
use super::process::runtime;

/// The name of the only sandbox.
const SANDBOX: &str = "bench";

/// Serves until the input ends. Prints the variables of its clients and an empty line.
pub fn serve() {
    std::thread::spawn(|| {
        runtime().block_on(async {
            prepare();
            let emulator = Emulator::builder().real_clock();
            let emulator = emulator.machines(|_, clock| machine(clock));
            let emulator = emulator.start().await.expect("an emulator");
            emulator.add("sandboxes", SANDBOX).expect("a sandbox");
            for (name, value) in emulator.variables() {
                println!("{name}={value}");
            }
            println!("BENCH_SANDBOX={SANDBOX}\n");
            std::future::pending::<()>().await;
        });
    });
    let _ = io::stdin().read_to_end(&mut Vec::new());
}
