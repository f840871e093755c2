//! [`Browser`], Chromium without a window, driven by its DevTools protocol.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The time limit of each step.
const LIMIT: Duration = Duration::from_secs(30);
/// The pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// The size of the window, and the colors that the person prefers.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
}

/// A browser with one page. It ends when it is dropped.
pub(crate) struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    number: u64,
    problems: Vec<String>,
    _process: Process,
}

impl Browser {
    pub(crate) async fn start(program: &str) -> Self {
        let (process, address) = Process::start(program);
        let (socket, _) = connect_async(address).await.unwrap();
        let mut browser = Self {
            socket,
            session: None,
            number: 0,
            problems: Vec::new(),
            _process: process,
        };
        let page = json!({"url": "about:blank"});
        let target = browser.call("Target.createTarget", page).await["targetId"].clone();
        let attach = json!({"targetId": target, "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method of the protocol and returns its result.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        let message = self.send(method, params).await;
        assert!(message["error"].is_null(), "{method}: {message}");
        message["result"].clone()
    }

    /// Calls a method of the protocol and returns the whole answer. Problems of the page meanwhile are kept.
    async fn send(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut call = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let text = Message::text(call.to_string());
        self.socket.send(text).await.unwrap();
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next());
            let message = message.await.expect("an answer in time").unwrap().unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == self.number {
                return message;
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let is_problem = match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
            "Runtime.consoleAPICalled" => params["type"] == "error",
            "Log.entryAdded" => params["entry"]["level"] == "error",
            _ => false,
        };
        if is_problem {
            self.problems.push(params.to_string());
        }
    }

    /// Returns the errors in the console of the page, of all pages so far.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.clone()
    }

    pub(crate) async fn open(&mut self, url: &str) {
        self.evaluate("window.isOld = true").await;
        let navigated = self.call("Page.navigate", json!({"url": url})).await;
        assert!(navigated["errorText"].is_null(), "{navigated}");
        self.until("!window.isOld && document.readyState === 'complete'")
            .await;
    }

    /// Returns the value of an expression in the page.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        // Between two pages there is nothing to evaluate it in, which is an error.
        let answer = self.send("Runtime.evaluate", params).await;
        answer["result"]["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&mut self, expression: &str) {
        let expression = format!("Boolean({expression})");
        let found = async {
            while self.evaluate(&expression).await != json!(true) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(LIMIT, found).await.is_err() {
            let text = self.evaluate("document.body.innerText").await;
            panic!("{expression} is not true: {:?} {text}", self.problems);
        }
    }

    /// Clicks on the middle of an element, as a person does.
    pub(crate) async fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const it = document.querySelector({}); it.scrollIntoView({{ block: 'center' }}); \
             const box = it.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let place = self.evaluate(&place).await;
        assert!(place.is_array(), "no {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    pub(crate) async fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    pub(crate) async fn press_enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": "Enter", "code": "Enter", "text": "\r",
                "windowsVirtualKeyCode": 13});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    pub(crate) async fn set_script(&mut self, is_on: bool) {
        let params = json!({"value": !is_on});
        self.call("Emulation.setScriptExecutionDisabled", params)
            .await;
    }

    pub(crate) async fn resize(&mut self, screen: Screen) {
        let params = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1,
            "mobile": screen.width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", params)
            .await;
        let scheme = if screen.is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"features": features});
        self.call("Emulation.setEmulatedMedia", params).await;
    }

    /// Returns a picture of what the window shows, as PNG.
    pub(crate) async fn screenshot(&mut self) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", json!({})).await;
        BASE64_STANDARD
            .decode(picture["data"].as_str().unwrap())
            .unwrap()
    }
}

/// The process of a browser, and the directory that it keeps its files in. Both end with this value.
struct Process {
    child: Child,
    profile: PathBuf,
}

impl Process {
    /// Starts a browser, and returns the address of its protocol too.
    fn start(program: &str) -> (Self, String) {
        let name = format!("blaxel-page-{}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        let mut child = Command::new(program)
            // Its own sandbox needs rights that a container does not have. It loads this page only.
            .args(["--headless", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .args(["--no-first-run", "--hide-scrollbars"])
            .args(["--remote-debugging-port=0", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let process = Self { child, profile };
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("DevTools listening on ")
                .map(str::to_owned)
        });
        // A browser whose messages nobody reads would stand still.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        (process, address.expect("the browser tells its address"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its helpers notice its end a moment later, and may write until then.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&self.profile).is_ok() || !self.profile.exists() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}
