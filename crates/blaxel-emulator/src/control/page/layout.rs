//! The frame of each page: head, navigation, clock and footer.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, StatusCode};

use super::html::{Html, html};
use crate::engine::Engine;

/// Everything that a page uses comes from the emulator itself, no script stands in a page, no other page may
/// frame one, and its forms lead nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The entries of the navigation.
const ENTRIES: [(&str, &str); 7] = [
    ("", "Overview"),
    ("/resources", "Resources"),
    ("/sandboxes", "Sandboxes"),
    ("/journal", "Journal"),
    ("/failures", "Failures"),
    ("/costs", "Costs"),
    ("/deviations", "Deviations"),
];

/// The steps by which the clock is moved, in seconds.
const STEPS: [(u32, &str, &str); 4] = [
    (15, "+15 s", "15 seconds"),
    (60, "+1 min", "a minute"),
    (3600, "+1 h", "an hour"),
    (86_400, "+1 day", "a day"),
];

/// Returns a page. `entry` is the path of its entry in the navigation.
pub(super) fn page(engine: &Engine, entry: &str, title: &str, main: &Html) -> Response {
    page_with(engine, StatusCode::OK, entry, title, main)
}

/// Returns a page with a status.
pub(super) fn page_with(
    engine: &Engine,
    status: StatusCode,
    entry: &str,
    title: &str,
    main: &Html,
) -> Response {
    let document = html(
        include_str!("layout.html"),
        &[
            &title,
            &engine.config.workspace,
            &clock(engine),
            &navigation(entry),
            &title,
            main,
        ],
    );
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // With `no-referrer`, forms would come from an origin `null`.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, document.into_string()).into_response()
}

fn navigation(current: &str) -> Html {
    let entry = |(path, name): &(&'static str, &'static str)| {
        let mark = match *path == current {
            true => html(" aria-current=\"page\"", &[]),
            false => Html::default(),
        };
        html(
            "<li><a href=\"/_emulator/page{}\"{}>{}</a></li>",
            &[path, &mark, name],
        )
    };
    ENTRIES.iter().map(entry).collect()
}

fn clock(engine: &Engine) -> Html {
    let now = engine.clock.now();
    let buttons: Html = STEPS
        .iter()
        .map(|(seconds, name, long)| {
            html(
                "<button name=\"advance\" value=\"{}\" aria-label=\"Move the clock forward by {}\">{}</button>",
                &[seconds, long, name],
            )
        })
        .collect();
    html(
        "<form class=\"clock\" method=\"post\" action=\"/_emulator/page/clock\">\
         <span><span class=\"label\">Clock</span> <time data-clock datetime=\"{}\">{}</time></span>\
         <span class=\"steps\">{}</span></form>",
        &[&now.as_str(), &time(now.as_str()), &buttons],
    )
}

/// Returns a time of the day, with its date on request.
pub(super) fn clock_time(timestamp: &str) -> Html {
    let full = time(timestamp);
    let short = full.split_once(' ').map_or("", |(_, clock)| clock);
    html(
        "<time datetime=\"{}\" title=\"{}\">{}</time>",
        &[&timestamp, &full, &short],
    )
}

/// Returns a time in a form for people: `2026-11-30 22:14:05`.
pub(super) fn time(timestamp: &str) -> String {
    let (date, rest) = timestamp.split_once('T').unwrap_or((timestamp, ""));
    let clock: String = rest.chars().take(8).collect();
    format!("{date} {clock}")
}

/// Returns a status as a badge. `tone` is a class: `good`, `bad`, `busy` or `calm`.
pub(super) fn badge(tone: &str, text: &str) -> Html {
    html("<span class=\"badge {}\">{}</span>", &[&tone, &text])
}

/// Returns a form with one button. The fields are hidden.
pub(super) fn button(
    action: &'static str,
    fields: &[(&'static str, &str)],
    class: &'static str,
    text: &str,
) -> Html {
    let fields: Html = fields
        .iter()
        .map(|(name, value)| {
            html(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                &[name, value],
            )
        })
        .collect();
    html(
        "<form method=\"post\" action=\"/_emulator/page{}\" class=\"inline\">{}<button class=\"{}\">{}</button></form>",
        &[&action, &fields, &class, &text],
    )
}
