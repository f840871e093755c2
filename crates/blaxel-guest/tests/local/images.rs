//! The apps of public images.

use blaxel_guest::{Clock, Guest as _, LocalGuest, Server};
use http::{Method, StatusCode};
use serde_json::json;

use crate::requests::{call, send};
use crate::support::can_isolate;

#[tokio::test]
async fn the_app_of_an_image_is_served_by_the_programs_of_the_host() {
    let mut builders = vec![LocalGuest::builder().unconfined()];
    if can_isolate() {
        builders.push(LocalGuest::builder());
    }
    for builder in builders {
        let guest = builder.image("blaxel/nextjs:latest").build(Clock::real());
        let server = Server::builder(guest.unwrap()).build();
        let page = server.guest().files().read("/blaxel/app/public/index.html");
        assert!(String::from_utf8(page.unwrap()).unwrap().contains("<h1>"));
        let looked =
            json!({"command": "command -v npm && python3 -c ''", "waitForCompletion": true});
        let looked = call(&server, Method::POST, "/process", looked).await;
        if looked["exitCode"] != 0 {
            eprintln!("skipped: the host has no npm or no python3 for sandboxes");
            continue;
        }
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let process = json!({"command": format!("npm run dev -- --port {port}"), "name": "dev",
            "workingDir": "/blaxel/app"});
        call(&server, Method::POST, "/process", process).await;
        let started = std::time::Instant::now();
        let page = loop {
            let response = send(&server, Method::GET, &format!("/port/{port}/"), json!({})).await;
            if response.status() == StatusCode::OK {
                break response.into_body();
            }
            assert!(started.elapsed().as_secs() < 60, "it does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        let bytes = axum::body::to_bytes(page, usize::MAX).await.unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("It runs"));
    }
}

#[tokio::test]
async fn other_images_have_no_app_and_an_existing_one_is_kept() {
    let guest = LocalGuest::builder()
        .unconfined()
        .image("blaxel/base-image");
    let guest = guest.build(Clock::real()).unwrap();
    assert!(guest.files().metadata("/blaxel/app").is_err());
    let root = guest.root().unwrap();
    let app = root.join("blaxel/app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("package.json"), "{}").unwrap();
    let again = LocalGuest::builder().unconfined().root(&root);
    let again = again.image("blaxel/vite:latest").build(Clock::real());
    let kept = again.unwrap().files().read("/blaxel/app/package.json");
    assert_eq!(kept.unwrap(), b"{}");
}
