//! Requests of one operation on many connections at once.

use std::time::Instant;

use super::requests::Requests;
use super::wire::Wire;

/// Makes what the operations need.
pub async fn prepare(requests: &Requests) {
    let mut wire = Wire::connect(&requests.authority)
        .await
        .expect("a connection");
    for request in requests.preparation() {
        wire.call(&request).await.expect("a resource");
    }
}

/// Sends requests of an operation, and returns the seconds that they take all together. The connections
/// and the requests are there before.
pub async fn send(
    requests: &Requests,
    operation: &'static str,
    count: usize,
    at_once: usize,
) -> f64 {
    let mut work = Vec::new();
    for place in 0..at_once {
        let wire = Wire::connect(&requests.authority).await;
        let own = (place..count).step_by(at_once);
        let own: Vec<_> = own
            .map(|number| requests.request(operation, number))
            .collect();
        work.push((wire.expect("a connection"), own));
    }
    let started = Instant::now();
    let tasks = work.into_iter().map(|(mut wire, own)| {
        tokio::spawn(async move {
            for request in own {
                wire.call(&request).await.expect(operation);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a connection");
    }
    started.elapsed().as_secs_f64()
}
