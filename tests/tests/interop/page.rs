//! Tests the emulator's page in a real browser, which the stage `interop` looks for.
//!
//! The test runs if `BLAXEL_TEST_BROWSER` holds the path of Chromium, and passes without doing anything otherwise.
//! It prints a line `judged: NAME` if it ran, by which the stage checks that it did. With
//! `BLAXEL_TEST_SCREENSHOTS`, it writes pictures of the page into that directory.

mod browser;

use std::path::PathBuf;
use std::time::Duration;

use blaxel_emulator::{Emulator, Incident};
use serde_json::json;

use browser::{Browser, Screen};

const DESKTOP: Screen = Screen {
    width: 1280,
    height: 860,
    is_dark: false,
};
const DARK: Screen = Screen {
    is_dark: true,
    ..DESKTOP
};
const PHONE: Screen = Screen {
    width: 360,
    height: 780,
    is_dark: false,
};

const PAGES: [(&str, &str); 7] = [
    ("overview", "/"),
    ("resources", "/_emulator/page/resources"),
    ("sandboxes", "/_emulator/page/sandboxes"),
    ("journal", "/_emulator/page/journal"),
    ("failures", "/_emulator/page/failures"),
    ("costs", "/_emulator/page/costs"),
    ("deviations", "/_emulator/page/deviations"),
];

#[tokio::test]
async fn a_person_uses_the_page_in_a_browser() {
    let Ok(program) = std::env::var("BLAXEL_TEST_BROWSER") else {
        return;
    };
    let emulator = Emulator::start().await.unwrap();
    let origin = emulator.url().replace("/v0", "");
    for name in ["code-runner", "notebook"] {
        emulator.add("sandboxes", name).unwrap();
    }
    emulator.add_agent("support-bot");
    let mut browser = Browser::start(&program).await;
    browser.resize(DESKTOP).await;

    moves_the_clock(&mut browser, &emulator, &origin).await;
    sees_requests_arrive(&mut browser, &emulator, &origin).await;
    switches_an_incident(&mut browser, &emulator, &origin).await;
    runs_a_command(&mut browser, &origin).await;
    works_without_script(&mut browser, &emulator, &origin).await;
    fits_each_screen(&mut browser, &origin).await;

    assert_eq!(browser.problems(), Vec::<String>::new());
    // What is refused there is an error in the console.
    is_not_controlled_by_a_preview(&mut browser, &emulator, &origin).await;
    println!("judged: a_person_uses_the_page_in_a_browser");
}

/// Opens a page and waits until its script follows the emulator. The page gets a mark, which is gone when it is
/// loaded again.
async fn open(browser: &mut Browser, origin: &str, path: &str) {
    browser.open(&format!("{origin}{path}")).await;
    browser
        .until("document.querySelector('[data-state]').dataset.state === 'on'")
        .await;
    browser.evaluate("window.mark = 1").await;
}

async fn is_same_page(browser: &mut Browser) -> bool {
    browser.evaluate("window.mark === 1").await == json!(true)
}

async fn moves_the_clock(browser: &mut Browser, emulator: &Emulator, origin: &str) {
    open(browser, origin, "/").await;
    let before = emulator.clock().since_epoch();
    browser.click("button[name=advance][value='3600']").await;
    let time = |seconds| {
        let now = blaxel_core::Timestamp::from_unix(seconds, 0);
        now.as_str()
            .chars()
            .take(13)
            .collect::<String>()
            .replace('T', " ")
    };
    let hour = time(i64::try_from(before.as_secs() + 3600).unwrap());
    browser
        .until(&format!(
            "document.querySelector('time').textContent.startsWith('{hour}')"
        ))
        .await;
    assert_eq!(
        emulator.clock().since_epoch() - before,
        Duration::from_secs(3600)
    );
    assert!(is_same_page(browser).await);
}

async fn sees_requests_arrive(browser: &mut Browser, emulator: &Emulator, origin: &str) {
    open(browser, origin, "/_emulator/page/journal").await;
    let hostile = format!(
        "{}/agents/%3Cimg%20src=x%20onerror=hacked()%3E?q=<b>",
        emulator.url()
    );
    reqwest::get(hostile).await.unwrap();
    browser
        .until("document.querySelector('#journal tbody').textContent.includes('GetAgent')")
        .await;
    assert!(is_same_page(browser).await);
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('#journal img').length")
            .await,
        json!(0)
    );
}

async fn switches_an_incident(browser: &mut Browser, emulator: &Emulator, origin: &str) {
    open(browser, origin, "/_emulator/page/failures").await;
    browser.click("#incidents form[action$=on] button").await;
    browser
        .until("document.querySelector('#incidents').textContent.includes('Switch off')")
        .await;
    let first = Incident::all().next().unwrap();
    assert!(emulator.waiting_faults() > 0, "{first}");
    browser
        .until(&format!(
            "document.querySelector('#faults').textContent.includes('{first}')"
        ))
        .await;
    browser.click("#incidents form[action$=off] button").await;
    browser
        .until("!document.querySelector('#incidents').textContent.includes('Switch off')")
        .await;
    assert_eq!(emulator.waiting_faults(), 0);
    assert!(is_same_page(browser).await);
}

/// The output of a command is live, and what it says is text.
async fn runs_a_command(browser: &mut Browser, origin: &str) {
    open(browser, origin, "/_emulator/page/sandboxes").await;
    browser.click("input[name=command]").await;
    browser
        .type_text("echo '<img src=x onerror=hacked()> café'; echo oh >&2; sleep 5; echo late")
        .await;
    browser.press_enter().await;
    browser
        .until("location.pathname.endsWith('/process') && document.querySelector('[data-output]')?.textContent.includes('café')")
        .await;
    let output = "document.querySelector('[data-output]')";
    assert_eq!(
        browser
            .evaluate(&format!("{output}.querySelector('.stderr').textContent"))
            .await,
        json!("oh\n")
    );
    assert_eq!(
        browser
            .evaluate(&format!("{output}.querySelectorAll('img').length"))
            .await,
        json!(0)
    );
    browser.evaluate("window.mark = 1").await;
    browser.click("button[name=advance][value='15']").await;
    browser
        .until(&format!("{output}.textContent.endsWith('late\\n')"))
        .await;
    browser
        .until("document.querySelector('#process').textContent.includes('exit code 0')")
        .await;
    assert!(is_same_page(browser).await);
}

async fn works_without_script(browser: &mut Browser, emulator: &Emulator, origin: &str) {
    browser.set_script(false).await;
    browser
        .open(&format!("{origin}/_emulator/page/costs"))
        .await;
    let before = emulator.clock().since_epoch();
    browser.click("button[name=advance][value='86400']").await;
    let day = Duration::from_secs(86_400);
    while emulator.clock().since_epoch() != before + day {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    browser.set_script(true).await;
}

/// A program whose preview is shown by its path has the address of the emulator's own page, and none of its rights.
async fn is_not_controlled_by_a_preview(browser: &mut Browser, emulator: &Emulator, origin: &str) {
    const PAGE: &str = "<!doctype html><script>(async () => {
        const seen = [];
        for (const [path, init] of [
            ['/_emulator/data', {}],
            ['/_emulator/reset', {method: 'POST'}],
            ['/_emulator/reset', {method: 'POST', mode: 'no-cors'}],
        ]) {
            try {
                const response = await fetch(path, init);
                seen.push(response.status + ':' + (await response.text()).length);
            } catch { seen.push('refused') }
        }
        document.title = seen.join();
    })()</script>";
    let show = || async { axum::response::Html(PAGE) };
    let program = axum::Router::new().fallback(show);
    emulator.sandbox("notebook").unwrap().on_port(3000, program);
    let preview = json!({"metadata": {"name": "web"}, "spec": {"port": 3000, "public": true}});
    let made = reqwest::Client::new()
        .post(format!("{}/sandboxes/notebook/previews", emulator.url()))
        .bearer_auth(emulator.api_key())
        .header("x-blaxel-workspace", emulator.workspace())
        .json(&preview);
    assert_eq!(made.send().await.unwrap().status(), 200);
    let path = format!("/preview/{}/notebook/web", emulator.workspace());
    browser.open(&format!("{origin}{path}")).await;
    browser.until("document.title !== ''").await;
    let title = browser.evaluate("document.title").await;
    assert_eq!(title, json!("refused,refused,0:0"));
    // It was not reset.
    assert!(emulator.sandbox("notebook").is_some());
}

/// No page is wider than its screen, and each can be looked at.
async fn fits_each_screen(browser: &mut Browser, origin: &str) {
    let directory = std::env::var_os("BLAXEL_TEST_SCREENSHOTS").map(PathBuf::from);
    for (name, path) in PAGES {
        open(browser, origin, path).await;
        for (suffix, screen) in [("desktop", DESKTOP), ("dark", DARK), ("phone", PHONE)] {
            browser.resize(screen).await;
            let width = browser
                .evaluate("document.documentElement.scrollWidth")
                .await;
            assert_eq!(width, json!(screen.width), "{path}");
            if let Some(directory) = &directory {
                let picture = browser.screenshot().await;
                std::fs::create_dir_all(directory).unwrap();
                std::fs::write(directory.join(format!("{name}-{suffix}.png")), picture).unwrap();
            }
        }
    }
}
