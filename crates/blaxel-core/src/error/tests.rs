use super::*;
use crate::description::Plane;
use crate::error::ErrorParts;
use crate::redact::SentCredential;
use crate::source::Source;

static CREATE: OperationInfo = OperationInfo::new("CreateThing", http::Method::POST, "/things")
    .with_idempotency(Idempotency::ClientNamed);
static CALL: OperationInfo =
    OperationInfo::new("CallThing", http::Method::POST, "/things/{name}").with_plane(Plane::Run);

/// Returns the error of a response to an operation.
fn error_of(
    operation: &'static OperationInfo,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Error {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let (head, ()) = response.body(()).unwrap().into_parts();
    Error::from_response(Some(operation), &head, body.as_bytes())
}

/// Each of the ten formats has a status and a body, then the expected code, message and origin.
#[test]
fn every_known_format_is_parsed() {
    let gateway = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","message":"asleep","origin":"platform",
        "retryable":true,"action":"Try again.","do_not":"loop","docs_url":"https://docs/e","status":404}}"#;
    let sandbox = r#"{"code":"SANDBOX_ALREADY_EXISTS","message":"there","status_code":409,"reason":"CREATION_IN_PROGRESS"}"#;
    for (status, body, code, message, origin) in [
        (
            400,
            r#"{"error":"Bad","code":400,"message":"no name"}"#,
            None,
            Some("no name"),
            ErrorOrigin::ControlPlane,
        ),
        (
            404,
            r#"{"code":404,"error":"Job not found"}"#,
            None,
            Some("Job not found"),
            ErrorOrigin::ControlPlane,
        ),
        (
            500,
            r#"{"error":"broke","code":500,"stack":["a"]}"#,
            None,
            Some("broke"),
            ErrorOrigin::ControlPlane,
        ),
        (
            400,
            r#"{"error":"invalid_api_version","message":"no"}"#,
            Some("invalid_api_version"),
            Some("no"),
            ErrorOrigin::ControlPlane,
        ),
        (
            409,
            sandbox,
            Some("SANDBOX_ALREADY_EXISTS"),
            Some("there"),
            ErrorOrigin::ControlPlane,
        ),
        (
            404,
            gateway,
            Some("WORKLOAD_UNAVAILABLE"),
            Some("asleep"),
            ErrorOrigin::Gateway,
        ),
        (
            400,
            r#"{"error":"invalid_client","error_description":"wrong"}"#,
            Some("invalid_client"),
            Some("wrong"),
            ErrorOrigin::OAuth,
        ),
        (
            504,
            "<html><head><TITLE>504 Gateway\n Time-out</TITLE>",
            None,
            Some("the response is an HTML page titled \"504 Gateway Time-out\""),
            ErrorOrigin::Edge,
        ),
        (
            403,
            "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Request has\n expired\
             </Message><StringToSign>secret</StringToSign></Error>",
            Some("AccessDenied"),
            Some("Request has expired"),
            ErrorOrigin::Storage,
        ),
        (502, "", None, None, ErrorOrigin::ControlPlane),
        (
            403,
            "Access denied",
            None,
            Some("Access denied"),
            ErrorOrigin::ControlPlane,
        ),
    ] {
        let error = error_of(&CREATE, status, &[], body);
        let api = error.api().unwrap();
        assert_eq!(
            (api.code(), api.message(), api.origin()),
            (code, message, origin),
            "{body}"
        );
        assert_eq!(error.status().unwrap().as_u16(), status);
    }
}

#[test]
fn unexpected_bodies_still_give_an_error() {
    for body in [
        "null",
        "[1]",
        "3",
        "{}",
        "\"text\"",
        "{\"error\":null}",
        "{\"error\":[]}",
        "{\"code\":{}}",
        "<",
        "{\"error\":",
    ] {
        let error = error_of(&CREATE, 500, &[], body);
        assert!(error.to_string().starts_with("CreateThing: 500"), "{error}");
    }
    let bytes = http::Response::builder()
        .status(500)
        .body(())
        .unwrap()
        .into_parts()
        .0;
    assert!(
        Error::from_response(None, &bytes, &[0xff, 0xfe])
            .to_string()
            .starts_with("500")
    );
}

#[test]
fn gateway_errors_are_distinguished_from_workload_errors() {
    let own = error_of(
        &CALL,
        404,
        &[],
        r#"{"error":{"message":"no such order","type":"lookup"}}"#,
    );
    assert_eq!(own.api().unwrap().origin(), ErrorOrigin::Workload);
    assert_eq!(own.code(), Some("lookup"));
    let headers = [
        ("x-blaxel-source", "platform"),
        ("x-blaxel-error-code", "ROUTE_NOT_FOUND"),
    ];
    let gateway = error_of(&CALL, 404, &headers, "");
    assert_eq!(gateway.api().unwrap().origin(), ErrorOrigin::Gateway);
    assert_eq!(gateway.code(), Some("ROUTE_NOT_FOUND"));
}

#[test]
fn a_code_counts_as_the_platforms_only_if_the_platform_sent_it() {
    let platform = [("x-blaxel-source", "platform")];
    let body = r#"{"error":{"code":"WORKLOAD_NOT_FOUND","message":"no"}}"#;
    let gateway = error_of(&CALL, 404, &platform, body);
    assert_eq!(gateway.platform_code(), Some(ErrorCode::WorkloadNotFound));
    // A workload passes on the error of another one that it called.
    let workload = error_of(&CALL, 404, &[], body);
    assert_eq!(workload.code(), Some("WORKLOAD_NOT_FOUND"));
    assert_eq!(workload.platform_code(), None);

    let later = error_of(
        &CREATE,
        400,
        &[],
        r#"{"code":"NEVER_HEARD_OF","message":"no"}"#,
    );
    let code = later.platform_code().unwrap();
    assert!(matches!(code, ErrorCode::Other(_)) && code == "NEVER_HEARD_OF");
    let storage = "<Error><Code>ExpiredToken</Code><Message>late</Message></Error>";
    assert_eq!(error_of(&CREATE, 400, &[], storage).platform_code(), None);
    assert_eq!(Error::decode("no JSON").platform_code(), None);
}

#[test]
fn each_code_has_one_variant_of_the_same_name() {
    for text in ErrorCode::from("").__values() {
        let code = ErrorCode::from(*text);
        let words = text.split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + &rest.to_lowercase()
        });
        assert_eq!(format!("{code:?}"), words.collect::<String>());
        assert!(code == **text && code == *text);
    }
}

#[test]
fn display_names_the_failure_and_the_next_step() {
    let body = r#"{"error":{"code":"FORBIDDEN","message":"not yours","action":"Ask an admin.","docs_url":"https://docs/f"}}"#;
    let error = error_of(&CALL, 403, &[("x-request-id", "r-1")], body);
    assert_eq!(
        error.to_string(),
        "CallThing: 403 FORBIDDEN: not yours; Ask an admin; see https://docs/f (request id r-1)"
    );
    let cause = std::io::Error::other("refused");
    let error = Error::connect("http://127.0.0.1:1", cause).in_operation(Some(&CREATE));
    assert_eq!(
        error.to_string(),
        "CreateThing: could not connect to http://127.0.0.1:1: refused"
    );
    assert!(error.cause().unwrap().is::<std::io::Error>());
    assert!(error.find_cause::<std::io::Error>().is_some());
    assert!(error.find_cause::<std::fmt::Error>().is_none());
}

/// Joins an error and its sources, as `anyhow`, `eyre` and others do for `{:#}`.
fn report(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<_> = chain.map(|error| format!("{error:#}")).collect();
    texts.join(": ")
}

#[test]
fn error_reporters_print_each_cause_once() {
    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("tcp connect error")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    let cause = Outer(std::io::Error::other("refused"));
    let error = Error::connect("http://127.0.0.1:1", cause);
    let line = "could not connect to http://127.0.0.1:1: tcp connect error: refused";
    assert_eq!(report(&error), line);
    assert_eq!(error.to_string(), line);
    // The same inside a foreign error.
    assert_eq!(report(&std::io::Error::other(error)), line);
}

#[test]
fn a_custom_transport_can_report_that_nothing_was_sent() {
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let unsent = Error::not_sent(refused()).in_operation(Some(&CREATE));
    assert!(unsent.is_connect() && unsent.is_transient() && !unsent.maybe_applied());
    let open = Error::from_box(refused().into()).in_operation(Some(&CREATE));
    assert!(open.is_transient() && open.maybe_applied());
}

/// An error with a text and a source.
#[derive(Debug)]
struct Link(
    &'static str,
    Option<Box<dyn std::error::Error + Send + Sync>>,
);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Link {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.1.as_ref()?.as_ref())
    }
}

#[test]
fn a_cause_already_printed_by_an_outer_error_is_not_repeated() {
    let deepest = Link("no route", None);
    let middle = Link("dialing failed", Some(deepest.into()));
    let error = Error::connect("x", Link("sending failed: no route", Some(middle.into())));
    let text = error.to_string();
    assert_eq!(text.matches("no route").count(), 1, "{text}");
    assert!(text.contains("dialing failed"), "{text}");
}

/// Covers a layer that wraps an [`Error`] in an error of its own.
#[test]
fn causes_are_found_through_a_foreign_error() {
    let ours = Error::connect("x", std::io::Error::other("refused"));
    let outer = Error::from_box(Link("the service is closed", Some(ours.into())).into());
    assert!(outer.find_cause::<std::io::Error>().is_some());
    assert!(outer.find_cause::<Error>().is_some());
    assert!(outer.find_cause::<fmt::Error>().is_none());
}

#[test]
fn a_rejected_version_lists_the_offered_ones() {
    let body = r#"{"error":"invalid_api_version","message":"Unknown version \"2026-99-99\". Valid versions: 2026-04-16, 2026-04-28.preview. See https://docs/v2026"}"#;
    let error = error_of(&CREATE, 400, &[], body);
    assert!(error.is_unknown_version());
    let offered: Vec<_> = error
        .offered_versions()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(offered, ["2026-04-16", "2026-04-28.preview"]);
}

#[test]
fn only_a_change_with_unknown_outcome_may_have_been_applied() {
    let lost = |info| Error::transport("lost", "reset").in_operation(Some(info));
    static READ: OperationInfo = OperationInfo::new("GetThing", http::Method::GET, "/things");
    assert!(lost(&CREATE).maybe_applied());
    assert!(!lost(&READ).maybe_applied());
    assert!(
        !Error::connect("x", "refused")
            .in_operation(Some(&CREATE))
            .maybe_applied()
    );
    assert!(!error_of(&CREATE, 409, &[], "").maybe_applied());
    assert!(error_of(&CREATE, 504, &[], "").maybe_applied());
}

#[test]
fn a_message_that_repeats_the_status_or_the_code_is_printed_once() {
    for (body, text) in [
        (r#"{"code":401,"error":"Unauthorized"}"#, "401 Unauthorized"),
        (r#"{"code":"NO","message":"no."}"#, "401 NO"),
        (r#"{"code":"NO","message":"why"}"#, "401 NO: why"),
    ] {
        let shown = error_of(&CREATE, 401, &[], body).to_string();
        assert!(shown.ends_with(text), "{shown}");
    }
}

#[test]
fn a_refused_credential_is_named_by_its_source_unless_the_server_advises() {
    let shown = |operation, status, headers: &[(&str, &str)], body: &str| {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let (mut head, ()) = response.body(()).unwrap().into_parts();
        head.extensions.insert(SentCredential {
            value: http::HeaderValue::from_static("Bearer bl_secret"),
            source: Source::variable("BL_API_KEY"),
        });
        Error::from_response(Some(operation), &head, body.as_bytes()).to_string()
    };
    let advice = "; check the credential from the environment variable BL_API_KEY";
    let bare = r#"{"code":401,"error":"Unauthorized"}"#;
    assert!(shown(&CREATE, 401, &[], bare).ends_with(advice));
    assert!(!shown(&CREATE, 403, &[], bare).contains(advice));
    // A workload may refuse a caller for reasons of its own.
    assert!(!shown(&CALL, 401, &[], bare).contains(advice));
    let gateway =
        r#"{"error":{"code":"AUTHENTICATION_FAILED","message":"no","origin":"platform"}}"#;
    let by_platform = [("x-blaxel-source", "platform")];
    assert!(shown(&CALL, 401, &by_platform, gateway).ends_with(advice));
    let advised = gateway.replace("\"no\"", "\"no\",\"action\":\"Send another one.\"");
    let shown = shown(&CALL, 401, &by_platform, &advised);
    assert!(
        shown.contains("Send another one") && !shown.contains(advice),
        "{shown}"
    );
}

#[test]
fn a_sleeping_workload_is_unavailable_rather_than_not_found() {
    let body = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","origin":"platform","retryable":true}}"#;
    let error = error_of(&CALL, 404, &[], body);
    assert!(error.is_unavailable() && error.is_transient() && !error.is_not_found());
    // One that has to be woken by its owner first, such as an archived sandbox.
    let archived = error_of(&CALL, 404, &[], &body.replace("true", "false"));
    assert!(archived.is_unavailable() && !archived.is_transient() && !archived.is_not_found());
    let missing = error_of(
        &CALL,
        404,
        &[],
        r#"{"error":{"code":"WORKLOAD_NOT_FOUND","retryable":false}}"#,
    );
    assert!(missing.is_not_found() && !missing.is_transient());
}

#[test]
fn a_request_that_was_not_dispatched_has_not_taken_effect() {
    let platform: &[_] = &[("x-blaxel-source", "platform")];
    let body = |state: &str, safe: &str| {
        format!(
            r#"{{"error":{{"code":"UPSTREAM_CONNECT_FAILED","origin":"platform",
                "dispatch_state":"{state}","safe_to_retry_request":{safe}}}}}"#
        )
    };
    for (headers, body, stated, applied) in [
        (
            platform,
            body("not_dispatched", "true"),
            "not_dispatched",
            false,
        ),
        (
            platform,
            body("not_dispatched", "null"),
            "not_dispatched",
            false,
        ),
        // It contradicts itself.
        (
            platform,
            body("not_dispatched", "false"),
            "not_dispatched",
            true,
        ),
        (
            platform,
            body("dispatched_unknown", "true"),
            "dispatched_unknown",
            true,
        ),
        (platform, body("held", "true"), "held", true),
        // The body of a gateway that the workload called.
        (&[], body("not_dispatched", "true"), "not_dispatched", true),
    ] {
        let error = error_of(&CALL, 502, headers, &body);
        let api = error.api().unwrap();
        assert_eq!(api.dispatch_state(), Some(DispatchState::from(stated)));
        assert_eq!(error.maybe_applied(), applied, "{body}");
    }
    // A workload states nothing about itself.
    let own = r#"{"error":{"dispatch_state":"not_dispatched","safe_to_retry_request":true}}"#;
    let error = error_of(&CALL, 502, &[], own);
    let api = error.api().unwrap();
    assert!(error.maybe_applied());
    assert_eq!(
        (api.dispatch_state(), api.safe_to_retry_request()),
        (None, None)
    );
}

#[test]
fn unavailable_means_the_same_from_gateway_and_edge_but_not_from_a_workload() {
    let platform = [
        ("x-blaxel-source", "platform"),
        ("x-blaxel-error-code", "WORKLOAD_UNAVAILABLE"),
    ];
    let page = "<html><title>502 Bad Gateway</title></html>";
    for error in [
        error_of(&CALL, 404, &platform, ""),
        error_of(&CALL, 503, &platform[..1], "no healthy upstream"),
        error_of(&CALL, 502, &[], page),
    ] {
        assert!(error.is_unavailable() && error.is_transient(), "{error}");
        assert!(!error.is_not_found(), "{error}");
    }
    let own = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","message":"mine"}}"#;
    for error in [
        error_of(&CALL, 404, &[], own),
        error_of(&CALL, 503, &[], r#"{"error":"busy"}"#),
        error_of(&CALL, 504, &[], page),
        error_of(&CREATE, 502, &[], page),
    ] {
        assert!(!error.is_unavailable(), "{error}");
    }
}

#[test]
fn an_error_of_any_format_from_a_workload_has_the_workload_as_origin() {
    let page = "<html><title>Oh no</title></html>";
    for (status, body) in [
        (404, page),
        (500, page),
        (
            401,
            r#"{"error":"invalid_token","error_description":"mine"}"#,
        ),
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request"}}"#,
        ),
        (500, "<Error><Code>Mine</Code></Error>"),
        (418, ""),
    ] {
        let error = error_of(&CALL, status, &[], body);
        assert_eq!(
            error.api().unwrap().origin(),
            ErrorOrigin::Workload,
            "{error}"
        );
    }
    let edge = [("server", "CloudFront")];
    for (status, headers, body, expected) in [
        (413, &edge[..], page, ErrorOrigin::Edge),
        (502, &[("server", "Pingora")], "bad", ErrorOrigin::Edge),
        (404, &edge, "{}", ErrorOrigin::Workload),
        // Nothing listens.
        (502, &[], "", ErrorOrigin::Edge),
        (503, &[], "", ErrorOrigin::Workload),
        (502, &[("server", "nginx")], "bad", ErrorOrigin::Workload),
    ] {
        let error = error_of(&CALL, status, headers, body);
        let origin = error.api().unwrap().origin();
        assert_eq!(origin, expected, "{status} {headers:?} {body}");
    }
}

#[test]
fn every_member_of_the_gateways_envelope_has_a_getter() {
    let body = r#"{"error":{"code":"POLICY_VIOLATION","message":"no","origin":"platform",
        "retryable":false,"action":"ask","do_not":"loop","docs_url":"https://docs/e","status":403,
        "timestamp":"2026-08-20T10:00:00Z","more":1}}"#;
    let error = error_of(&CALL, 403, &[], body);
    let api = error.api().unwrap();
    assert_eq!(
        (api.code(), api.message()),
        (Some("POLICY_VIOLATION"), Some("no"))
    );
    assert_eq!((api.action(), api.do_not()), (Some("ask"), Some("loop")));
    assert_eq!(
        (api.docs_url(), api.retryable()),
        (Some("https://docs/e"), Some(false))
    );
    assert_eq!(
        (api.origin(), api.stated_status()),
        (ErrorOrigin::Gateway, Some(403))
    );
    assert_eq!(api.timestamp().unwrap().as_str(), "2026-08-20T10:00:00Z");
    assert_eq!(api.members()["more"], 1);
}

#[test]
fn a_truncated_stream_is_transient() {
    let error = Error::truncated("cut").in_operation(Some(&CALL));
    assert!(error.is_truncated() && error.is_transient() && error.maybe_applied());
}

#[test]
fn retry_after_is_parsed_in_seconds_and_milliseconds() {
    let wait = |name, value| error_of(&CREATE, 429, &[(name, value)], "").retry_after();
    assert_eq!(
        wait("retry-after-ms", "1500"),
        Some(Duration::from_millis(1500))
    );
    assert_eq!(wait("retry-after", "2"), Some(Duration::from_secs(2)));
    assert_eq!(wait("retry-after", "0.5"), Some(Duration::from_millis(500)));
    assert_eq!(wait("retry-after", "-1"), None);
    assert_eq!(wait("retry-after", "NaN"), None);
    assert_eq!(
        wait("retry-after", "9999999999999999999999999"),
        Some(Duration::MAX)
    );
    assert_eq!(wait("retry-after", "1e400"), Some(Duration::MAX));
}

/// Covers local clocks that are wrong by any amount.
#[test]
fn a_retry_after_date_is_relative_to_the_servers_clock() {
    let wait = |date, until| {
        let headers = [("date", date), ("retry-after", until)];
        error_of(&CREATE, 503, &headers, "").retry_after()
    };
    let now = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(
        wait(now, "Sun, 06 Nov 1994 08:50:07 GMT"),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        wait(now, "Sunday, 06-Nov-94 08:50:07 GMT"),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        wait(now, "Sun, 06 Nov 1994 08:00:00 GMT"),
        Some(Duration::ZERO)
    );
    assert_eq!(wait(now, "tomorrow"), None);
    let far = error_of(
        &CREATE,
        503,
        &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")],
        "",
    );
    assert_eq!(far.retry_after(), Some(Duration::ZERO));
}

#[test]
fn an_error_is_as_large_as_a_pointer() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
}

/// Covers an error response of the token endpoint, a failure to connect and a lost connection.
#[test]
fn an_authentication_failure_has_its_own_kind_and_counts_as_not_sent() {
    let (head, ()) = http::Response::builder()
        .status(503)
        .header("x-request-id", "r1")
        .body(())
        .unwrap()
        .into_parts();
    let body = br#"{"error":"over_loaded","error_description":"later"}"#;
    let rejected = Error::from_response(None, &head, body).while_authenticating("no token");
    assert_eq!(rejected.kind(), ErrorKind::Credentials);
    assert_eq!(rejected.code(), Some("over_loaded"));
    assert_eq!(
        rejected.to_string(),
        "no token: 503 over_loaded: later (request id r1)"
    );
    let refused = Error::connect("https://x", "refused").while_authenticating("no token");
    assert!(refused.is_connect());
    assert_eq!(
        refused.to_string(),
        "no token: could not connect to https://x: refused"
    );
    let lost = Error::transport("lost", "reset").while_authenticating("no token");
    for error in [rejected, refused, lost] {
        let error = error.in_operation(Some(&CREATE));
        assert!(error.is_transient());
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(!error.maybe_applied());
        assert_eq!(error.clone().to_string(), error.to_string());
    }
    assert!(!Error::credentials("none").is_transient());
}

#[test]
fn a_compressed_error_response_says_so_and_one_in_latin1_is_read() {
    let error = |headers: &[(&str, &str)], body: &[u8]| {
        let response = http::Response::builder().status(502);
        let response = headers.iter().fold(response, |response, (name, value)| {
            response.header(*name, *value)
        });
        let (head, ()) = response.body(()).unwrap().into_parts();
        Error::from_response(None, &head, body)
    };
    for content_type in ["text/html", "application/json"] {
        let coded = [("content-encoding", "br"), ("content-type", content_type)];
        let found = error(&coded, b"\x8b\x00\x80");
        let text = found.to_string();
        assert!(
            text.starts_with("502 Bad Gateway: the response is compressed with `br`"),
            "{text}"
        );
        assert!(found.is_transient());
        assert_eq!(error(&coded[..1], b"").to_string(), "502 Bad Gateway");
    }
    let latin1 = [("content-type", "text/plain; charset=ISO-8859-1")];
    assert_eq!(
        error(&latin1, b"caf\xe9").to_string(),
        "502 Bad Gateway: café"
    );
}

#[test]
fn a_body_in_place_of_a_stream_keeps_its_message() {
    let head = |content_type: &str| {
        let response = http::Response::builder().header("content-type", content_type);
        response
            .header("x-request-id", "r-1")
            .body(())
            .unwrap()
            .into_parts()
            .0
    };
    for (content_type, body, kind, expected) in [
        (
            "application/json",
            r#"{"error": {"message": "busy", "code": "OVERLOADED"}}"#,
            ErrorKind::Failed,
            "the server reported an error instead of a stream: OVERLOADED: busy (status 200, request id r-1)",
        ),
        (
            "text/html",
            "<html><title>Sign in</title></html>",
            ErrorKind::Decode,
            "the response is not the expected stream: the response is an HTML page titled \
             \"Sign in\" (status 200, request id r-1)",
        ),
        (
            "application/json",
            r#"{"output": 1}"#,
            ErrorKind::Decode,
            "the response is not the expected stream: {\"output\": 1} (status 200, request id r-1)",
        ),
    ] {
        let error = Error::not_a_stream(None, Some(&head(content_type)), body.as_bytes());
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, expected));
        assert_eq!(error.is_transient(), kind == ErrorKind::Failed);
    }
    let error = Error::not_a_stream(None, None, b"oh no");
    assert_eq!(
        error.to_string(),
        "the response is not the expected stream: oh no"
    );
}

/// Returns the error that a successful response reports.
fn reported(report: &str) -> Error {
    let (head, ()) = http::Response::new(()).into_parts();
    Error::failed("the model reported an error").with_report(Plane::Run, &head, report.as_bytes())
}

#[test]
fn an_error_inside_a_successful_response_keeps_status_code_and_message() {
    for (report, code, shown) in [
        (
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Some("overloaded_error"),
            "the model reported an error: overloaded_error: Overloaded (status 200)",
        ),
        (
            r#"{"error":{"code":502,"message":"gone"}}"#,
            Some("502"),
            "the model reported an error: 502: gone (status 200)",
        ),
        (
            r#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#,
            Some("BadRequestError"),
            "the model reported an error: BadRequestError: no (status 200)",
        ),
        (
            r#"{"error":"busy"}"#,
            None,
            "the model reported an error: busy (status 200)",
        ),
        ("{}", None, "the model reported an error (status 200)"),
    ] {
        let error = reported(report);
        assert_eq!((error.code(), error.to_string().as_str()), (code, shown));
        assert_eq!(error.status(), Some(StatusCode::OK), "{report}");
        assert!(error.is_failed());
        assert_eq!(error.api().unwrap().origin(), ErrorOrigin::Workload);
    }
}

#[test]
fn the_code_of_an_error_inside_a_successful_response_says_whether_it_is_transient() {
    for (error, expected) in [
        (r#"{"type":"rate_limit_error"}"#, true),
        (r#"{"code":"rate_limit_exceeded","type":"requests"}"#, true),
        (r#"{"code":"model_busy","type":"overloaded_error"}"#, true),
        (r#"{"code":429,"status":"RESOURCE_EXHAUSTED"}"#, true),
        (r#"{"code":"503"}"#, true),
        (r#"{"status":"UNAVAILABLE"}"#, true),
        (r#"{"type":"ServiceUnavailableError"}"#, true),
        (r#"{"code":400,"type":"invalid_request_error"}"#, false),
        (r#"{"code":"insufficient_quota"}"#, false),
        (r#"{"code":"context_length_exceeded"}"#, false),
        (r#"{"message":"overloaded"}"#, false),
        (r#""overloaded""#, false),
    ] {
        let error = reported(&format!(r#"{{"error":{error}}}"#));
        assert_eq!(error.is_transient(), expected, "{error:?}");
    }
}
