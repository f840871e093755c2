//! A limit on concurrent calls: tower's own layer works unchanged.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use blaxel::Management;
    use blaxel::blaxel_core::{Body, Error};
    use tower::limit::ConcurrencyLimitLayer;

    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn at_most_the_allowed_number_of_calls_is_in_flight() {
        let (in_flight, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counter, record) = (Arc::clone(&in_flight), Arc::clone(&highest));
        let slow = tower::service_fn(move |_: http::Request<Body>| {
            let (counter, record) = (Arc::clone(&counter), Arc::clone(&record));
            async move {
                record.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                counter.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Error>(http::Response::new(Body::from(r#"{"data":[]}"#)))
            }
        });
        let client = testing::builder(slow)
            .call_layer(ConcurrencyLimitLayer::new(3))
            .build()
            .unwrap();
        let calls: Vec<_> = (0..9)
            .map(|_| {
                let models = Management::new(client.clone()).models();
                tokio::spawn(async move { models.list().await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(highest.load(Ordering::SeqCst), 3);
    }
}
