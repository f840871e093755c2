//! The promise: new resources are created in the default region unless they name one, and no other request
//! changes.

use std::sync::{Arc, Mutex};

use blaxel_core::{Body, Error, HttpService, response};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_management::drives::Drive;
use blaxel_management::sandboxes::{Creation, Ensure, Sandbox};
use blaxel_management::volumes::Volume;
use blaxel_management::vpcs::EgressGateway;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::service_fn;

/// The method of each sent request, and the region in its body.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<(Method, Value)>>>);

impl Sent {
    fn take(&self) -> Vec<(Method, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A service that echoes request bodies, and finds no resource.
fn echo(sent: &Sent) -> impl HttpService {
    let sent = sent.clone();
    service_fn(move |request: Request<Body>| {
        let sent = sent.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = response::collect(body, usize::MAX).await?;
            if head.method == Method::GET {
                let missing = Body::from(json!({"error": "none", "code": 404}).to_string());
                return Ok::<_, Error>(Response::builder().status(404).body(missing).unwrap());
            }
            let document: Value = serde_json::from_slice(&body).unwrap();
            let region = document["spec"]["region"].clone();
            sent.0.lock().unwrap().push((head.method, region));
            Ok(Response::new(Body::from(body)))
        }
    })
}

#[tokio::test]
async fn every_method_that_creates_a_resource_sets_the_default_region() {
    let sent = Sent::default();
    let api = Management::new(echo(&sent)).with_region("eu-lon-1");
    let sandboxes = api.sandboxes();
    sandboxes.create(&Sandbox::new("a")).await.unwrap();
    sandboxes.create(&Sandbox::unnamed()).await.unwrap();
    sandboxes
        .create_if_absent(&Sandbox::new("a"))
        .await
        .unwrap();
    sandboxes.apply(&Sandbox::new("a")).await.unwrap();
    sandboxes
        .apply_for_upload(&Sandbox::new("a"))
        .await
        .unwrap_err();
    sandboxes
        .ensure(&Sandbox::new("a"), &Ensure::new())
        .await
        .unwrap();
    sandboxes
        .create_ready(&Sandbox::new("a"), &Creation::new())
        .await
        .unwrap();
    api.volumes().create(&Volume::new("v")).await.unwrap();
    api.drives().clone().create(&Drive::new("d")).await.unwrap();
    let gateways = api.vpcs().gateways("office");
    gateways.create(&EgressGateway::new("g")).await.unwrap();
    let sent = sent.take();
    assert_eq!(sent.len(), 10);
    for (method, region) in sent {
        assert_eq!((method, region), (Method::POST, json!("eu-lon-1")));
    }
}

#[tokio::test]
async fn named_regions_replacements_and_other_kinds_are_unchanged() {
    let sent = Sent::default();
    let api = Management::new(echo(&sent)).with_region("eu-lon-1");
    let elsewhere = Sandbox::new("a").region("us-pdx-1");
    api.sandboxes().create(&elsewhere).await.unwrap();
    api.sandboxes().replace(&Sandbox::new("a")).await.unwrap();
    api.agents().create(&Agent::new("b")).await.unwrap();
    let without = Management::new(echo(&sent)).with_region(None);
    without
        .sandboxes()
        .create(&Sandbox::new("a"))
        .await
        .unwrap();
    assert_eq!(
        sent.take(),
        [
            (Method::POST, json!("us-pdx-1")),
            (Method::PUT, Value::Null),
            (Method::POST, Value::Null),
            (Method::POST, Value::Null),
        ]
    );
}
