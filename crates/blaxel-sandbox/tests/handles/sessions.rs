use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{HttpService, Timestamp};
use blaxel_sandbox::sessions::ExposedSession;
use blaxel_sandbox::{Sandboxes, Session, SessionOptions};
use serde_json::{Value, json};

use crate::script::{self, Log, Reply, refusal, service};

const PREVIEWS: &str = "/control/sandboxes/dev/previews";

fn hours(hours: i64) -> String {
    let now = Timestamp::now().unix().unwrap().0;
    String::from(Timestamp::from_unix(now + hours * 3600, 0))
}

fn preview(name: &str, expires: Option<String>) -> Value {
    json!({"metadata": {"name": name},
        "spec": {"port": 443, "public": false, "url": format!("https://{name}.preview.bl.run"), "expires": expires}})
}

fn token(text: &str, expires: &str) -> Value {
    json!({"metadata": {"name": "t"}, "spec": {"token": text, "expiresAt": expires, "expired": false}})
}

/// Creates a control plane that responds by a function of the line of a request.
fn control<F>(respond: F) -> (Sandboxes<impl HttpService>, Log)
where
    F: Fn(&str) -> Reply + Clone + Send + Sync + 'static,
{
    let (service, log) = service(move |seen| respond(&seen.line).response());
    (Sandboxes::new(service), log)
}

fn missing() -> Reply {
    refusal(404, r#"{"error":"not found"}"#)
}

#[tokio::test]
async fn a_session_is_a_preview_of_the_sandboxes_own_port_and_a_token() {
    let (sandboxes, log) = control(|line| match line.contains("tokens") {
        true => script::json(&token("s3cret", "2999-01-01T00:00:00Z")),
        false => script::json(&preview(
            "session-docs",
            Some("2999-01-01T00:00:00Z".into()),
        )),
    });
    let options = SessionOptions::new()
        .name("docs")
        .expires_in(Duration::from_secs(7200))
        .request_header("x-key", "s3cret-header")
        .response_header("access-control-allow-origin", "*");
    assert!(!format!("{options:?}").contains("s3cret"));
    let before = Timestamp::now();
    let session = sandboxes.sessions("dev").create(&options).await.unwrap();
    assert_eq!(
        log.lines(),
        [
            format!("POST {PREVIEWS}"),
            format!("POST {PREVIEWS}/session-docs/tokens")
        ]
    );
    let (created, issued) = (log.all()[0].json(), log.all()[1].json());
    let expires: Timestamp = created["spec"]["expires"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = expires.duration_since(&before).unwrap().as_secs();
    assert!((7200..7210).contains(&left), "{left}");
    assert!(expires.as_str().ends_with('Z'));
    assert_eq!(
        created,
        json!({"metadata": {"name": "session-docs"}, "spec": {"port": 443, "public": false,
            "expires": expires.as_str(), "requestHeaders": {"x-key": "s3cret-header"},
            "responseHeaders": {"access-control-allow-origin": "*"}}})
    );
    assert_eq!(issued["spec"], json!({"expiresAt": expires.as_str()}));
    assert!(
        issued["metadata"]["name"]
            .as_str()
            .unwrap()
            .starts_with("token-")
    );

    assert_eq!(session.url, "https://session-docs.preview.bl.run");
    assert_eq!(session.token.expose(), "s3cret");
    assert!(!format!("{session:?} {:?}", session.expose()).contains("s3cret"));
    let json = serde_json::to_string(&session.expose()).unwrap();
    let restored = Session::from(serde_json::from_str::<ExposedSession>(&json).unwrap());
    assert_eq!(restored.expose(), session.expose());
}

#[tokio::test]
async fn a_session_without_a_name_is_named_after_the_time_and_tries_another_one() {
    let names = Arc::new(Mutex::new(0));
    let (sandboxes, log) = control(move |line| {
        if line.contains("tokens") {
            return script::json(&token("s", "2999-01-01T00:00:00Z"));
        }
        let mut names = names.lock().unwrap();
        *names += 1;
        match *names {
            1 => refusal(409, r#"{"error":"exists"}"#),
            _ => script::json(&preview("session-2", None)),
        }
    });
    let sessions = sandboxes.sessions("dev");
    sessions.create(&SessionOptions::new()).await.unwrap();
    let name = |index: usize| -> u64 {
        let body = log.all()[index].json();
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        name.strip_prefix("session-").unwrap().parse().unwrap()
    };
    assert_eq!(name(1), name(0) + 1);
    let now = Timestamp::now().unix().unwrap().0;
    assert!((now - 60..now + 60).contains(&i64::try_from(name(0) / 1000).unwrap()));

    let (taken, log) = control(|_| refusal(409, r#"{"error":"exists"}"#));
    let named = SessionOptions::new().name("docs");
    assert!(
        taken
            .sessions("dev")
            .create(&named)
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(log.all().len(), 1);
}

#[tokio::test]
async fn a_preview_without_a_token_is_deleted_again() {
    let (sandboxes, log) = control(|line| match line.contains("tokens") {
        true => refusal(403, r#"{"error":"no"}"#),
        false => script::json(&preview("session-1", None)),
    });
    let error = sandboxes
        .sessions("dev")
        .create(&SessionOptions::new())
        .await
        .unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(log.lines()[2], format!("DELETE {PREVIEWS}/session-1"));
    let zero = SessionOptions::new().expires_in(Duration::ZERO);
    assert!(
        sandboxes
            .sessions("dev")
            .create(&zero)
            .await
            .unwrap_err()
            .is_input()
    );
}

/// Lists previews. The tokens of each are those of the table.
fn listed(line: &str) -> Reply {
    let named = |name: &str| preview(name, Some(hours(48)));
    if line.ends_with("/previews") {
        let mut deleting = named("session-deleting");
        deleting["status"] = "DELETING".into();
        return script::json(&json!([
            named("session-1"),
            named("web"),
            named("session-expired"),
            named("my-session-2"),
            preview("session-over", Some(hours(-1))),
            deleting,
            named("session-gone"),
            named("session-none"),
        ]));
    }
    let tokens = if line.contains("session-1/") {
        let mut flagged = token("flagged", &hours(99));
        flagged["spec"]["expired"] = true.into();
        json!([
            token("first", &hours(1)),
            token("last", &hours(5)),
            token("over", &hours(-9)),
            flagged
        ])
    } else if line.contains("my-session-2/") {
        json!([token("longest", &hours(30)), token("", &hours(40))])
    } else if line.contains("session-expired/") {
        json!([token("over", &hours(-1))])
    } else if line.contains("session-none/") {
        json!([])
    } else {
        return missing();
    };
    script::json(&tokens)
}

#[tokio::test]
async fn sessions_are_listed_with_the_token_that_ends_last() {
    let (sandboxes, log) = control(listed);
    let sessions = sandboxes.sessions("dev").list().await.unwrap();
    let found: Vec<_> = sessions
        .iter()
        .map(|session| (session.name.as_str(), session.token.expose()))
        .collect();
    assert_eq!(found, [("session-1", "last"), ("my-session-2", "longest")]);
    // The preview lives longer than its token.
    let left = sessions[0]
        .expires_at
        .as_ref()
        .unwrap()
        .saturating_duration_since(&Timestamp::now());
    assert!((4 * 3600..=5 * 3600).contains(&left.as_secs()), "{left:?}");
    // The list, and one call for each session that may be valid.
    assert_eq!(log.all().len(), 1 + 5);
}

/// The API does not page its previews. Should it begin to, no session is overlooked.
#[tokio::test]
async fn a_list_of_which_only_a_page_was_read_is_an_error() {
    let (sandboxes, _) = control(|line| match line.contains("tokens") {
        true => listed(line),
        false => script::json(&json!({
            "data": [preview("session-1", None)],
            "meta": {"hasMore": true, "nextCursor": "c2"},
        })),
    });
    assert!(sandboxes.sessions("dev").list().await.is_err());
}

#[tokio::test]
async fn one_session_is_read() {
    let (sandboxes, _) = control(|line| match line.contains("tokens") {
        true => listed(line),
        false if line.contains("session-absent") => missing(),
        false => script::json(&preview(line.rsplit_once('/').unwrap().1, None)),
    });
    let sessions = sandboxes.sessions("dev");
    assert_eq!(sessions.get("1").await.unwrap().token.expose(), "last");
    assert_eq!(sessions.get("session-1").await.unwrap().name, "session-1");
    assert!(sessions.get("absent").await.unwrap_err().is_not_found());
    assert!(sessions.get("session-none").await.unwrap_err().is_failed());
}

#[tokio::test]
async fn the_session_that_ends_last_is_used_until_it_is_too_old() {
    let choose = async |options: SessionOptions| {
        let (sandboxes, log) = control(|line| match line.starts_with("POST") {
            true if line.contains("tokens") => script::json(&token("new", &hours(24))),
            true => script::json(&preview("session-new", None)),
            false => listed(line),
        });
        let session = sandboxes
            .sessions("dev")
            .create_if_expired(&options)
            .await
            .unwrap();
        let written = log
            .lines()
            .into_iter()
            .filter(|line| !line.starts_with("GET"))
            .count();
        (session.token.expose().to_owned(), written)
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let options = SessionOptions::new;
    assert_eq!(choose(options()).await, ("longest".to_owned(), 0));
    assert_eq!(
        choose(options().min_validity(hours(20))).await,
        ("longest".to_owned(), 0)
    );
    let long = options().min_validity(hours(31)).expires_in(hours(40));
    assert_eq!(choose(long).await, ("new".to_owned(), 2));
    assert_eq!(choose(options().name("1")).await, ("last".to_owned(), 0));
    assert_eq!(choose(options().name("other")).await, ("new".to_owned(), 2));

    let (sandboxes, log) = control(listed);
    let short = options().expires_in(hours(1)).min_validity(hours(2));
    let error = sandboxes
        .sessions("dev")
        .create_if_expired(&short)
        .await
        .unwrap_err();
    assert!(error.is_input() && log.all().is_empty());
}

/// A session of a given name that ends too soon makes room for a new one.
#[tokio::test(start_paused = true)]
async fn a_session_with_a_name_is_replaced_before_it_ends() {
    let exists = Arc::new(Mutex::new(true));
    let (sandboxes, log) = control(move |line| {
        let mut exists = exists.lock().unwrap();
        let old = preview("session-docs", Some(hours(0)));
        match line.split(' ').next() {
            Some("GET") if line.ends_with("/previews") => script::json(&json!([old])),
            Some("GET") if line.ends_with("/tokens") => script::json(&json!([])),
            Some("GET") => missing(),
            Some("DELETE") => {
                *exists = false;
                let mut deleting = old;
                deleting["status"] = "DELETING".into();
                script::json(&deleting)
            }
            _ if line.contains("tokens") => script::json(&token("new", &hours(24))),
            _ if *exists => refusal(409, r#"{"error":"taken"}"#),
            _ => script::json(&preview("session-docs", Some(hours(24)))),
        }
    });
    let options = SessionOptions::new().name("docs");
    let session = sandboxes
        .sessions("dev")
        .create_if_expired(&options)
        .await
        .unwrap();
    assert_eq!(session.token.expose(), "new");
    let lines = log.lines();
    let written: Vec<_> = lines
        .iter()
        .filter(|line| !line.starts_with("GET"))
        .collect();
    assert_eq!(
        written,
        [
            &format!("POST {PREVIEWS}"),
            &format!("DELETE {PREVIEWS}/session-docs"),
            &format!("POST {PREVIEWS}"),
            &format!("POST {PREVIEWS}/session-docs/tokens"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_followed_to_its_end() {
    let deleting = || {
        let mut preview = preview("session-1", None);
        preview["status"] = "DELETING".into();
        script::json(&preview)
    };
    let polls = Arc::new(Mutex::new(0));
    let (slow, log) = control(move |line| {
        let mut polls = polls.lock().unwrap();
        *polls += 1;
        if line.starts_with("GET") && *polls > 3 {
            missing()
        } else {
            deleting()
        }
    });
    slow.sessions("dev").delete("1").await.unwrap();
    assert_eq!(log.all().len(), 4);

    let (at_once, log) = control(|_| script::json(&preview("session-1", None)));
    at_once.sessions("dev").delete("session-1").await.unwrap();
    assert_eq!(log.lines(), [format!("DELETE {PREVIEWS}/session-1")]);

    let (never, _) = control(move |_| deleting());
    let start = tokio::time::Instant::now();
    assert!(
        never
            .sessions("dev")
            .delete("1")
            .await
            .unwrap_err()
            .is_timeout()
    );
    assert_eq!(start.elapsed().as_secs(), 10);
    let (none, _) = control(|_| missing());
    assert!(
        none.sessions("dev")
            .delete("1")
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn nothing_of_the_client_goes_out_with_a_session() {
    let (sandboxes, log) = control(|_| script::json(&json!({"status": "ok"})));
    let json = r#"{"name": "session-1", "url": "https://1a2b.preview.bl.run", "token": "s3cret"}"#;
    let session = Session::from(serde_json::from_str::<ExposedSession>(json).unwrap());
    let sandbox = sandboxes.join_session(&session);
    sandbox.health().await.unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "GET https://1a2b.preview.bl.run/health");
    assert!(!seen.carries_credential);
    let names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(seen.headers["x-blaxel-preview-token"], "s3cret");
    assert!(seen.headers["x-blaxel-preview-token"].is_sensitive());
    assert_eq!(seen.headers["cache-control"], "no-transform");
    let printed = format!(
        "{sandbox:?} {:?}",
        serde_json::to_string(&sandbox.reference())
    );
    assert!(!printed.contains("s3cret"), "{printed}");
}
