//! The promise: every operation of the Management API goes from the facade over a socket to the
//! emulator and back, and what is sent and what is read is what the API says.
//!
//! The operations are written down in `operations.txt`. Each area of them has a function here that
//! performs all of its operations; each request is compared with that table and with what the test
//! expects of its path, query and body, and each answer with the JSON it was read from.

mod areas;
mod decoding;
mod lists;
mod refusals;
mod support;
mod waits;

use std::collections::BTreeSet;

use self::support::World;
use self::support::table::Operations;
use blaxel_emulator::Emulator;

/// Each area is performed as a test of its own, which fails with the names of the operations that it
/// left out.
macro_rules! areas {
    ($($area:ident),+) => {
        const AREAS: &[&str] = &[$(stringify!($area)),+];

        $(
            #[tokio::test]
            async fn $area() {
                let world = World::start().await;
                areas::$area::perform(&world).await;
                world.has_performed_all_of(stringify!($area));
            }
        )+
    };
}

areas! { workloads, sandboxes, storage, images, network, workspaces, catalog, observability }

/// Operations of the emulator that no method of the Management API's facade performs: signing in,
/// uploads, costs, workloads, and what the emulator says of itself.
const OTHERS: &[&str] = &[
    "CallFunction",
    "CallMcpServer",
    "CallModel",
    "CreateChatCompletion",
    "CreateEmbedding",
    "CreateToken",
    "GetAccountMetrics",
    "GetOpenApiDocument",
    "InvokeAgent",
    "ListAccountMetricsGroupBy",
    "ListAccountMetricsResourceTypes",
    "ListAccounts",
    "PutArchive",
    "StartDeviceLogin",
];

#[test]
fn no_operation_is_forgotten() {
    let written: BTreeSet<&str> = Operations::get().names().collect();
    let served: BTreeSet<&str> = Emulator::offline()
        .operations()
        .filter(|name| !OTHERS.contains(name))
        .collect();
    let only = |these: &BTreeSet<&'static str>, those| -> Vec<_> {
        these.difference(those).copied().collect()
    };
    assert_eq!(
        (only(&written, &served), only(&served, &written)),
        (Vec::new(), Vec::new()),
        "the operations that only the table knows (left), and only the emulator (right)"
    );
    let tested: BTreeSet<&str> = AREAS.iter().copied().collect();
    let areas: BTreeSet<&str> = Operations::get().areas().collect();
    assert_eq!(
        tested, areas,
        "the areas that are tested (left) and those in the table"
    );
}
