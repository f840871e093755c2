//! The page for people.

use blaxel_emulator::{Emulator, Fault, Incident};
use http::Method;
use serde_json::json;

use crate::support::{Ask, Reply, ask, get, in_sandbox, post, run};

const ORIGIN: &str = "https://emulator.invalid";
const HOST: &str = "emulator.invalid";

/// Reads a part of the page as a browser does.
async fn page(emulator: &Emulator, path: &str) -> String {
    let reply = browse(emulator, path).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    text(&reply)
}

async fn browse(emulator: &Emulator, path: &str) -> Reply {
    get(format!("{ORIGIN}{path}"))
        .header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
        .bare(&emulator.service())
        .await
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.bytes.to_vec()).unwrap()
}

/// Fills in a form of the page and sends it as a browser does.
fn form(path: &str, fields: &str) -> Ask {
    ask(Method::POST, format!("{ORIGIN}/_emulator/page{path}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", HOST)
        .header("origin", ORIGIN)
        .bytes(fields.to_owned())
}

async fn send(emulator: &Emulator, path: &str, fields: &str) -> Reply {
    form(path, fields).bare(&emulator.service()).await
}

/// Sends a form, which must have been accepted, and returns the place to which it leads.
async fn submit(emulator: &Emulator, path: &str, fields: &str) -> String {
    let reply = send(emulator, path, fields).await;
    assert_eq!(reply.status, 303, "{path}: {}", text(&reply));
    reply.header("location").unwrap().to_owned()
}

const PAGES: [&str; 8] = [
    "/",
    "/_emulator/page",
    "/_emulator/page/resources",
    "/_emulator/page/sandboxes",
    "/_emulator/page/journal",
    "/_emulator/page/failures",
    "/_emulator/page/costs",
    "/_emulator/page/deviations",
];

#[tokio::test]
async fn a_browser_gets_the_page_and_a_program_what_the_api_answers() {
    let emulator = Emulator::offline();
    let reply = browse(&emulator, "/").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(text(&reply).contains("<h1>Overview</h1>"));
    // The page is no request of the API.
    assert!(emulator.journal().is_empty());
    let root = || get(format!("{ORIGIN}/"));
    let service = emulator.service();
    for program in [
        root(),
        root().header("accept", "*/*"),
        root().header("accept", "application/json"),
        ask(Method::POST, format!("{ORIGIN}/")).header("accept", "text/html"),
        // A preview's own page, and a name that somebody else lets stand for this machine.
        root()
            .header("accept", "text/html")
            .header("host", "app-demo.localhost:4242"),
        root()
            .header("accept", "text/html")
            .header("host", "example.com"),
    ] {
        assert_eq!(program.bare(&service).await.control_error(404), "Not Found");
    }
    assert_eq!(emulator.journal().len(), 6);
}

/// Nothing of a page comes from elsewhere, no script stands in it, and each link leads to something.
#[tokio::test]
async fn each_part_is_whole_and_safe() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    emulator.add_agent("bot");
    for path in PAGES {
        let reply = browse(&emulator, path).await;
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        for allowed in [
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(allowed), "{policy}");
        }
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let text = text(&reply);
        assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">"));
        for once in [
            "<h1>",
            " · Blaxel emulator</title>",
            "<main id=\"main\">",
            "aria-current=\"page\"",
        ] {
            assert_eq!(text.matches(once).count(), 1, "{once} in {path}");
        }
        for never in [
            "style=\"",
            " onclick",
            "<style",
            "src=\"http",
            "href=\"http",
        ] {
            assert!(!text.contains(never), "{never} in {path}");
        }
        for link in attributes(&text, "href=\"").chain(attributes(&text, "src=\"")) {
            let link = link.replace("&amp;", "&");
            if !link.starts_with('#') {
                let reply = browse(&emulator, &link).await;
                assert_eq!(reply.status, 200, "{link} of {path}");
            }
        }
        // Each field has a label, and no two parts have the same id.
        let ids: Vec<_> = attributes(&text, " id=\"").collect();
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(ids.len(), distinct.len(), "{path}: {ids:?}");
        assert_eq!(
            text.matches("<label").count(),
            text.matches("</label>").count()
        );
    }
}

fn attributes<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let values = text.split(start).skip(1);
    values.filter_map(|rest| rest.split('"').next())
}

/// Names, commands, output and paths are text of others.
#[tokio::test]
async fn what_others_wrote_is_text_and_not_markup() {
    const HOSTILE: &str = "<script>alert('x')</script>\"'&";
    let emulator = Emulator::builder().workspace("<i>team</i>").build();
    emulator.add("sandboxes", "dev").unwrap();
    emulator.add("agents", HOSTILE).unwrap();
    emulator.add("sandboxes", HOSTILE).unwrap();
    let service = emulator.service();
    get(format!("{ORIGIN}/v0/%3Cscript%3E?q='%3Cb%3E"))
        .header("blaxel-version", "<script>")
        .bare(&service)
        .await;
    let guest = emulator.guest("dev").unwrap();
    let sent = json!({"command": "echo '<script>out</script>' '\"&'; echo '<b>err' >&2", "waitForCompletion": true});
    let request = http::Request::post("/process")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(sent.to_string()))
        .unwrap();
    tower_service::Service::call(&mut guest.router(), request)
        .await
        .unwrap();
    let pid = guest.processes()[0].pid;
    let process = format!("/_emulator/page/process?sandbox=dev&pid={pid}");
    let document = "/_emulator/page/resource?collection=agents&name=%3Cscript%3Ealert('x')%3C/script%3E%22'%26";
    for path in PAGES.into_iter().chain([process.as_str(), document]) {
        let text = page(&emulator, path).await;
        // The one script is that of the page.
        assert_eq!(text.matches("<script").count(), 1, "{path}");
        assert!(!text.contains("<i>") && !text.contains("<b>err"), "{path}");
        assert!(text.contains("&lt;i&gt;team&lt;/i&gt;"), "{path}");
    }
    let escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&#39;&amp;";
    let resources = page(&emulator, "/_emulator/page/resources").await;
    assert!(resources.contains(escaped), "{resources}");
    assert!(page(&emulator, document).await.contains(escaped));
    for path in ["/_emulator/page/sandboxes", process.as_str()] {
        let text = page(&emulator, path).await;
        assert!(text.contains("&lt;script&gt;out&lt;/script&gt; &quot;&amp;"));
        assert!(text.contains("<span class=\"stderr\">&lt;b&gt;err"));
    }
    let missing = browse(
        &emulator,
        "/_emulator/page/resource?collection=agents&name=%3Cb%3E",
    )
    .await;
    assert_eq!(missing.status, 404);
    assert!(text(&missing).contains("&lt;b&gt;"), "{missing:?}");
}

#[tokio::test]
async fn the_parts_show_the_state_of_the_emulator() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let machine = "Its machine starts with the first call.";
    let overview = page(&emulator, "/").await;
    assert!(overview.contains(&format!("export BL_API_URL={}", emulator.url())));
    assert!(overview.contains("No requests yet."));
    let resources = page(&emulator, "/_emulator/page/resources").await;
    for part in [
        "<h3>Models <span class=\"count\">7</span></h3>",
        "Workspace research",
        "resource?collection=sandboxes&amp;name=dev\">dev</a>",
        "<span class=\"badge good\">DEPLOYED</span>",
    ] {
        assert!(resources.contains(part), "{part} in {resources}");
    }
    assert!(
        page(&emulator, "/_emulator/page/sandboxes")
            .await
            .contains(machine)
    );
    run(&emulator, "dev", "echo hello").await;
    let sandboxes = page(&emulator, "/_emulator/page/sandboxes").await;
    assert!(!sandboxes.contains(machine));
    for part in [
        "<code>echo hello</code>",
        "hello\n</pre>",
        "with exit code 0",
    ] {
        assert!(sandboxes.contains(part), "{part} in {sandboxes}");
    }
    get("/agents?limit=3").on(&emulator).await.expect(200);
    get("/agents/none").on(&emulator).await.control_error(404);
    let journal = page(&emulator, "/_emulator/page/journal").await;
    for part in [
        "<b>GET</b> /v0/agents?limit=3</td><td>ListAgents</td>",
        "<span class=\"badge warn\">404</span>",
        "<option>GetAgent</option>",
        "3 of 3 requests",
    ] {
        assert!(journal.contains(part), "{part} in {journal}");
    }
    assert!(!journal.contains(emulator.api_key()));
    let one = page(&emulator, "/_emulator/page/journal?operation=GetAgent").await;
    assert!(one.contains("1 of 3 requests") && one.contains("<option selected>GetAgent</option>"));
    let costs = page(&emulator, "/_emulator/page/costs?days=7").await;
    assert_eq!(costs.matches("<title>20").count(), 7 * 6, "{costs}");
    assert!(costs.contains("role=\"img\"") && costs.contains("Most expensive resources"));
    let deviations = page(&emulator, "/_emulator/page/deviations").await;
    assert!(deviations.contains("It serves HTTP/1.1 and HTTP/2 on 127.0.0.1"));
    assert!(deviations.contains("<code>ListAccounts</code>"));
}

#[tokio::test]
async fn forms_move_the_clock_and_lead_back_to_where_they_were() {
    let emulator = Emulator::offline();
    let before = emulator.clock().since_epoch();
    assert_eq!(
        submit(&emulator, "/clock", "advance=3600").await,
        "/_emulator/page"
    );
    assert_eq!((emulator.clock().since_epoch() - before).as_secs(), 3600);
    for (referer, expected) in [
        (
            "https://emulator.invalid/_emulator/page/journal?operation=a",
            "/_emulator/page/journal?operation=a",
        ),
        ("https://emulator.invalid/", "/"),
        ("https://emulator.invalid/v0/agents", "/_emulator/page"),
        (
            "https://example.com/_emulator/page/costs",
            "/_emulator/page",
        ),
        ("nonsense", "/_emulator/page"),
    ] {
        let sent = form("/clock", "advance=1").header("referer", referer);
        let reply = sent.bare(&emulator.service()).await;
        assert_eq!(reply.header("location"), Some(expected), "{referer}");
    }
    for fields in [
        "",
        "advance=",
        "advance=-1",
        "advance=1e9",
        "advance=%FF",
        "by=1",
    ] {
        let reply = send(&emulator, "/clock", fields).await;
        assert_eq!(reply.status, 400, "{fields}");
        assert!(text(&reply).contains("This did not work"), "{fields}");
    }
    assert_eq!((emulator.clock().since_epoch() - before).as_secs(), 3605);
}

#[tokio::test]
async fn forms_switch_failures_on_and_off_and_change_resources() {
    let emulator = Emulator::offline();
    submit(&emulator, "/incidents/on", "name=shuffled-list").await;
    let failures = page(&emulator, "/_emulator/page/failures").await;
    assert!(failures.contains("Switch off") && failures.contains("reverses the items of the list"));
    submit(
        &emulator,
        "/faults/add",
        "operation=ListModels&kind=error&status=503&times=2",
    )
    .await;
    assert_eq!(emulator.waiting_faults(), 3);
    submit(&emulator, "/incidents/off", "name=shuffled-list").await;
    assert_eq!(emulator.waiting_faults(), 2);
    get("/models").on(&emulator).await.control_error(503);
    submit(&emulator, "/faults/remove", "operation=ListModels").await;
    for kind in ["html", "gateway", "disconnect", "lost", "delay", "twice"] {
        let fields = format!("operation=List%2A&kind={kind}&status=503&times=1");
        submit(&emulator, "/faults/add", &fields).await;
    }
    assert_eq!(emulator.waiting_faults(), 6);
    submit(&emulator, "/faults/clear", "").await;
    assert_eq!(emulator.waiting_faults(), 0);
    for (path, fields, status) in [
        ("/faults/add", "operation=ListKites&kind=twice&times=1", 400),
        ("/faults/add", "operation=ListModels&kind=odd&times=1", 400),
        (
            "/faults/add",
            "operation=ListModels&kind=error&status=99&times=1",
            400,
        ),
        ("/incidents/on", "name=none", 404),
        ("/resources/add", "collection=kites&name=a", 404),
        ("/resources/delete", "collection=agents&name=a", 404),
    ] {
        let reply = send(&emulator, path, fields).await;
        assert_eq!(reply.status, status, "{path} {fields}");
    }
    submit(&emulator, "/resources/add", "collection=agents&name=a+b").await;
    submit(&emulator, "/resources/fail", "collection=agents&name=bot").await;
    let agent = json!({"metadata": {"name": "bot"}, "spec": {}});
    post("/agents", &agent).on(&emulator).await.expect(200);
    let resources = page(&emulator, "/_emulator/page/resources").await;
    assert!(resources.contains(">a b</a>") && resources.contains("badge bad\">FAILED"));
    let list = submit(&emulator, "/resources/delete", "collection=agents&name=bot").await;
    assert_eq!(list, "/_emulator/page/resources");
    get("/agents/bot").on(&emulator).await.control_error(404);
    submit(&emulator, "/journal/clear", "").await;
    assert!(emulator.journal().is_empty());
    submit(&emulator, "/reset", "").await;
    assert!(
        !page(&emulator, "/_emulator/page/resources")
            .await
            .contains(">a b</a>")
    );
}

/// A page of the web may send a form to anywhere. The browser says where it comes from.
#[tokio::test]
async fn forms_of_other_pages_are_refused() {
    let emulator = Emulator::offline();
    let before = emulator.clock().since_epoch();
    let service = emulator.service();
    let bare = || {
        ask(Method::POST, format!("{ORIGIN}/_emulator/page/clock"))
            .header("content-type", "application/x-www-form-urlencoded")
            .bytes("advance=60")
    };
    for foreign in [
        bare(),
        bare().header("host", HOST),
        bare()
            .header("host", HOST)
            .header("origin", "https://example.com"),
        bare().header("host", HOST).header("origin", "null"),
        // A program under development on this machine is another page too.
        bare()
            .header("host", HOST)
            .header("origin", "http://localhost:3000"),
        bare()
            .header("host", "example.com")
            .header("origin", "https://example.com"),
    ] {
        let reply = foreign.bare(&service).await;
        assert_eq!(reply.status, 403, "{reply:?}");
    }
    let other = form("/clock", "advance=60").header("accept", "*/*");
    assert_eq!(other.bare(&service).await.status, 303);
    let json = ask(Method::POST, format!("{ORIGIN}/_emulator/page/clock"))
        .header("host", HOST)
        .header("origin", ORIGIN)
        .json(&json!({"advance": 60}));
    assert_eq!(json.bare(&service).await.status, 415);
    assert_eq!((emulator.clock().since_epoch() - before).as_secs(), 60);
}

#[tokio::test]
async fn a_command_is_run_as_a_client_would() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let place = submit(
        &emulator,
        "/sandboxes/run",
        "name=dev&command=echo+%241+%3C",
    )
    .await;
    assert!(
        place.starts_with("/_emulator/page/process?sandbox=dev&pid="),
        "{place}"
    );
    let journal = emulator.journal();
    assert_eq!(journal[0].operation.as_deref(), Some("ExecuteProcess"));
    assert!(
        page(&emulator, &place)
            .await
            .contains("<code>echo $1 &lt;</code>")
    );
    emulator
        .fault("ExecuteProcess", Fault::disconnect(), 1)
        .unwrap();
    for fields in [
        "name=dev&command=true",
        "name=none&command=true",
        "name=..%2F..&command=true",
    ] {
        let reply = send(&emulator, "/sandboxes/run", fields).await;
        assert_eq!(reply.status, 502, "{fields}: {reply:?}");
    }
    // Looking at a sandbox on standby does not wake it up.
    let health = in_sandbox(&emulator, "dev", "/health");
    get(&health).bare(&emulator.service()).await.expect(200);
    emulator.clock().advance(std::time::Duration::from_secs(60));
    for path in ["/_emulator/page/sandboxes", place.as_str()] {
        page(&emulator, path).await;
    }
    assert!(
        page(&emulator, "/_emulator/page/sandboxes")
            .await
            .contains("standby")
    );
}

#[tokio::test]
async fn every_incident_is_on_the_page() {
    let emulator = Emulator::offline();
    let failures = page(&emulator, "/_emulator/page/failures").await;
    for incident in Incident::all() {
        assert!(
            failures.contains(&format!("<h3>{incident} </h3>")),
            "{incident}"
        );
        submit(&emulator, "/incidents/on", &format!("name={incident}")).await;
    }
    let failures = page(&emulator, "/_emulator/page/failures").await;
    // The clock alone cannot be switched off.
    assert_eq!(
        failures.matches("Switch off").count(),
        Incident::all().len() - 1
    );
}
