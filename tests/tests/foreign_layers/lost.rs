//! Promise: a request that has lost its context is sent only to the address in its URI, is not sent
//! twice, and its error does not rule out that it took effect.

use std::sync::{Arc, Mutex};

use blaxel_core::{
    Body, Error, HttpService, OperationInfo, Plane, RequestWriter, Source, raw_request,
};
use blaxel_emulator::Emulator;
use blaxel_inference::Inference;
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_transport::{Client, HyperTransport};
use http::Method;

use super::layers::{BOTH_DROPPED, LAYERS};
use super::rig::{Step, client, request, transport};

static CALL: OperationInfo =
    OperationInfo::new("CallAgent", Method::DELETE, "/agents/a").with_plane(Plane::Run);
static UPLOAD: OperationInfo =
    OperationInfo::new("Upload", Method::PUT, "/upload").with_plane(Plane::Presigned);

fn bare(uri: &str) -> http::Request<Body> {
    http::Request::delete(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_transport_refuses_a_path_that_names_no_plane() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = client(transport(&[], Arc::clone(&log)), &[], &[]);
    let hyper = HyperTransport::default();
    let emulator = Emulator::offline();
    for uri in ["/agents/a", "blaxel://elsewhere/agents/a"] {
        for error in [
            client.send(bare(uri)).await.unwrap_err(),
            hyper.send(bare(uri)).await.unwrap_err(),
            emulator.service().send(bare(uri)).await.unwrap_err(),
            emulator
                .service()
                .verbatim()
                .send(bare(uri))
                .await
                .unwrap_err(),
        ] {
            assert!(error.is_input() && error.attempts() == 0, "{uri}: {error}");
        }
    }
    assert!(log.lock().unwrap().is_empty());
    assert!(emulator.journal().is_empty());
}

/// An address that belongs to no plane is refused before a credential is added to it.
#[tokio::test]
async fn a_client_refuses_an_address_of_no_plane() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = client(transport(&[], Arc::clone(&log)), &[], &[]);
    let error = client
        .send(bare("https://api.blaxel.ai/v0/agents/a"))
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("raw_request"),
        "{error}"
    );
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_raw_request_goes_to_the_plane_it_names() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let steps = &[Step::Status(200), Step::Status(200)];
    let client = client(transport(steps, Arc::clone(&log)), &[], &[]);
    for plane in [Plane::Control, Plane::Run] {
        let request = raw_request(plane, bare("/agents/a")).unwrap();
        client.send(request).await.unwrap();
    }
    assert_eq!(
        *log.lock().unwrap(),
        [
            "DELETE https://api.blaxel.ai/v0/agents/a true",
            "DELETE https://run.blaxel.ai/w/agents/a true"
        ]
    );
}

/// The layer of the bug report: it maps a request's body, and the call became the deletion of the
/// agent.
#[tokio::test]
async fn no_layer_turns_a_call_into_a_deletion() {
    let emulator = Emulator::start().await.unwrap();
    for layer in LAYERS.iter().chain([&BOTH_DROPPED]) {
        for at_call in [true, false] {
            let layers = std::slice::from_ref(layer);
            let (call, attempt) = if at_call {
                (layers, &[][..])
            } else {
                (&[][..], layers)
            };
            let builder = Client::builder()
                .api_key(emulator.api_key())
                .workspace(emulator.workspace())
                .api_url(emulator.url())
                .run_url(emulator.run_url());
            let client = super::rig::build(builder, call, attempt);
            let agents = Management::new(client.clone()).agents();
            agents.apply(&Agent::new("x")).await.unwrap();
            let _ = Inference::new(client)
                .agent("x")
                .request(Method::DELETE, "")
                .send()
                .await;
            assert!(agents.find("x").await.unwrap().is_some(), "{layer:?}");
        }
    }
    let entries = emulator.journal();
    assert!(entries.iter().any(|entry| entry.path.starts_with("/run/")));
    assert!(
        !entries
            .iter()
            .any(|entry| entry.operation.as_deref() == Some("DeleteAgent"))
    );
}

#[tokio::test(start_paused = true)]
async fn without_both_carriers_a_call_keeps_its_plane_and_its_error_rules_out_nothing() {
    for at_call in [true, false] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let layers = [BOTH_DROPPED];
        let (call, attempt) = if at_call {
            (&layers[..], &[][..])
        } else {
            (&[][..], &layers[..])
        };
        let client = client(
            transport(&[Step::Status(404)], Arc::clone(&log)),
            call,
            attempt,
        );
        let error = blaxel_core::open(&client, request(&CALL))
            .await
            .unwrap_err();
        assert_eq!(
            *log.lock().unwrap(),
            ["DELETE https://run.blaxel.ai/w/agents/a true"]
        );
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.operation().unwrap().name(), "CallAgent");
        // Only at the attempt's position is the transport's count lost.
        assert_eq!(
            (error.attempts(), error.maybe_applied()),
            (1, !at_call),
            "{error:?}"
        );
    }
}

/// The URL itself is the permission: the credential must not be sent there, even if a layer drops
/// the request's context.
#[tokio::test]
async fn a_presigned_upload_never_carries_the_credential() {
    for at_call in [true, false] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let layers = [BOTH_DROPPED];
        let (call, attempt) = if at_call {
            (&layers[..], &[][..])
        } else {
            (&[][..], &layers[..])
        };
        let client = client(
            transport(&[Step::Status(200)], Arc::clone(&log)),
            call,
            attempt,
        );
        let mut writer = RequestWriter::new(&UPLOAD);
        writer
            .presigned(
                "https://api.blaxel.ai/v0/uploads/1?signature=x",
                &Source::Code,
            )
            .unwrap();
        let outcome: Result<_, Error> = client.send(writer.finish().unwrap()).await;
        let sent = log.lock().unwrap().clone();
        if at_call {
            assert!(
                outcome.unwrap_err().is_input() && sent.is_empty(),
                "{sent:?}"
            );
        } else {
            outcome.unwrap();
            assert_eq!(
                sent,
                ["PUT https://api.blaxel.ai/v0/uploads/1?signature=x false"]
            );
        }
    }
}
