//! Archives that are restored in local guests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, put};
use blaxel_guest::{Clock, Guest as _, LocalGuest, Server};
use http::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::requests::call;
use crate::support::can_isolate;

fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = json!({"version": 1, "deleted": ["/etc/shells"]}).to_string();
    let processes = json!([{"name": "again", "command": "echo again; cat file; sleep 60",
        "workingDir": "/blaxel"}])
    .to_string();
    for (path, content, mode) in [
        (".blaxel-archive/manifest.json", manifest.as_str(), 0o644),
        (".blaxel-archive/processes.json", &processes, 0o644),
        ("blaxel/file", "restored\n", 0o640),
        ("blaxel/program", "#!/bin/sh\necho ran\n", 0o755),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_uid(1234);
        header.set_mtime(981_173_106);
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn changed_files_are_listed_and_an_isolated_guest_exports_them() {
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let shared = Arc::clone(&received);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/archive", listener.local_addr().unwrap());
    let store = move |body: axum::body::Bytes| async move {
        *shared.lock().unwrap() = body.to_vec();
    };
    let router = Router::new().route("/archive", put(store));
    let store = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for (is_isolated, builder) in [
        (false, LocalGuest::builder().unconfined()),
        (true, LocalGuest::builder()),
    ] {
        if is_isolated && !can_isolate() {
            continue;
        }
        let guest = builder.build(Clock::real()).unwrap();
        let server = Server::builder(guest).build();
        let change = json!({"command": "echo new > file; rm -f ../etc/shells; chmod 700 ../opt",
            "waitForCompletion": true});
        call(&server, Method::POST, "/process", change).await;
        let listed = call(
            &server,
            Method::POST,
            "/archive/export",
            json!({"dryRun": true}),
        )
        .await;
        let mut paths: Vec<(&str, &str)> = Vec::new();
        for change in listed["changes"].as_array().unwrap() {
            paths.push((
                change["kind"].as_str().unwrap(),
                change["path"].as_str().unwrap(),
            ));
        }
        let expected: &[(&str, &str)] = match is_isolated {
            true => &[
                ("added", "/blaxel/file"),
                ("deleted", "/etc/shells"),
                ("modified", "/opt"),
            ],
            // There is no such file.
            false => &[("added", "/blaxel/file"), ("modified", "/opt")],
        };
        assert_eq!(paths, expected, "{listed}");
        let exported = call(
            &server,
            Method::POST,
            "/archive/export",
            json!({"url": url}),
        )
        .await;
        if !is_isolated {
            let error = exported["error"].as_str().unwrap();
            assert_eq!(error, "cannot freeze the sandbox: function not implemented");
            continue;
        }
        assert_eq!(exported["manifest"]["added"], 1, "{exported}");
        let archive = received.lock().unwrap().clone();
        let mut archive = tar::Archive::new(archive.as_slice());
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert!(names.contains(&"blaxel/file".to_owned()), "{names:?}");
        let write = json!({"command": "echo x > file", "waitForCompletion": true});
        let refused = call(&server, Method::POST, "/process", write.clone()).await;
        assert_ne!(refused["exitCode"], 0, "{refused}");
        call(&server, Method::POST, "/archive/resume", json!({})).await;
        let written = call(&server, Method::POST, "/process", write).await;
        assert_eq!(written["exitCode"], 0, "{written}");
    }
    store.abort();
}

#[tokio::test]
async fn an_archive_is_restored_and_its_processes_run_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/archive", listener.local_addr().unwrap());
    let router = Router::new().route("/archive", get(|| async { archive() }));
    let store = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut builders = vec![LocalGuest::builder().unconfined()];
    if can_isolate() {
        builders.push(LocalGuest::builder());
    }
    for builder in builders {
        let guest = builder.build(Clock::real()).unwrap();
        let server = Server::builder(guest.clone())
            .env("BL_ARCHIVE_IMPORT_URL", &url)
            .build();
        let started = std::time::Instant::now();
        let status = loop {
            let status = call(&server, Method::GET, "/archive/status", json!({})).await;
            if status["restore"]["finishedAt"].is_string() {
                break status;
            }
            assert!(started.elapsed().as_secs() < 30, "{status}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        assert_eq!(status["restore"]["state"], "succeeded", "{status}");
        assert_eq!(status["restore"]["restored"], 2, "{status}");
        let printed = json!({"command": "cat file; ./program; stat -c '%a %Y' file",
            "waitForCompletion": true});
        let printed = call(&server, Method::POST, "/process", printed).await;
        assert_eq!(
            printed["stdout"], "restored\nran\n640 981173106\n",
            "{printed}"
        );
        let process = call(&server, Method::GET, "/process/again", json!({})).await;
        assert_eq!(process["status"], "running", "{process}");
        assert!(guest.files().metadata("/etc/shells").is_err());
    }
    store.abort();
}
