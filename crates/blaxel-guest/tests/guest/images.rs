//! The public images that a simulated machine knows, and the programs of their apps.

use blaxel_guest::{Clock, Script, Server, SimulatedGuest};
use serde_json::{Value, json};

use crate::support::{Answer, Sandbox};

fn machine(image: &str) -> (SimulatedGuest, Sandbox) {
    let guest = SimulatedGuest::with_image(image, Clock::real());
    let server = Server::builder(guest.clone());
    (guest, Sandbox(server.build()))
}

async fn run(sandbox: &Sandbox, command: &str, more: &Value) -> Answer {
    let mut process = json!({"command": command, "workingDir": "/blaxel/app"});
    for (name, value) in more.as_object().unwrap() {
        process[name] = value.clone();
    }
    sandbox.execute(&process).await
}

#[tokio::test(start_paused = true)]
async fn the_apps_of_images_are_served_by_their_scripts() {
    for (image, command, port) in [
        ("blaxel/nextjs:latest", "npm run dev", 3000),
        ("blaxel/nextjs", "npm run dev -- --port 4000", 4000),
        ("blaxel/nextjs:latest", "PORT=4100 npm run dev", 4100),
        ("blaxel/vite:latest", "npm run dev", 5173),
        (
            "blaxel/vite:latest",
            "npm run dev -- --host 0.0.0.0 --port=8000",
            8000,
        ),
    ] {
        let (_, sandbox) = machine(image);
        let started = run(&sandbox, command, &json!({"waitForPorts": [port]})).await;
        assert_eq!(started.json()["status"], "running", "{command}");
        let page = sandbox.get(&format!("/port/{port}/")).await;
        assert_eq!(page.status, 200, "{command}");
        assert!(page.text().contains("<h1>"), "{}", page.text());
        let missing = sandbox.get(&format!("/port/{port}/missing")).await;
        assert_eq!(missing.status, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn other_images_have_no_app() {
    for image in ["", "blaxel/base-image:latest", "nextjs", "me/nextjs:1"] {
        let (_, sandbox) = machine(image);
        let answer = sandbox.get("/filesystem/%2Fblaxel%2Fapp").await;
        assert_eq!(answer.status, 404, "{image}");
    }
}

#[tokio::test(start_paused = true)]
async fn npm_runs_the_scripts_of_the_package_with_their_arguments() {
    let (guest, sandbox) = machine("blaxel/nextjs:latest");
    guest.on_command("vitest run", Script::stdout("passed\n").exit(3));
    sandbox.put_files(&[(
        "/blaxel/app/package.json",
        r#"{"name": "a", "version": "1.2.3", "scripts": {
            "test": "vitest run", "show": "echo", "here": "pwd; echo $npm_lifecycle_event"}}"#,
    )]);
    sandbox.put_files(&[("/blaxel/app/src/x", "")]);
    let wait = json!({"waitForCompletion": true});
    for (command, exit_code, stdout) in [
        ("npm test", 3, "\n> a@1.2.3 test\n> vitest run\n\npassed\n"),
        (
            "npm run show -- 'a  b' c",
            0,
            "\n> a@1.2.3 show\n> echo 'a  b' c\n\na  b c\n",
        ),
        (
            "cd src && npm run here",
            0,
            "\n> a@1.2.3 here\n> pwd; echo $npm_lifecycle_event\n\n/blaxel/app\nhere\n",
        ),
    ] {
        let done = run(&sandbox, command, &wait).await.json();
        assert_eq!(done["exitCode"], exit_code, "{done}");
        assert_eq!(done["stdout"], stdout, "{done}");
    }
    for (command, exit_code, stderr) in [
        ("npm run build", 1, "npm error Missing script: \"build\"\n"),
        ("cd / && npm test", 254, "npm error code ENOENT\n"),
        ("npm install", 1, "npm: this machine has no npm"),
    ] {
        let done = run(&sandbox, command, &wait).await.json();
        assert_eq!(done["exitCode"], exit_code, "{done}");
        let found = done["stderr"].as_str().unwrap();
        assert!(found.starts_with(stderr), "{found}");
    }
}
