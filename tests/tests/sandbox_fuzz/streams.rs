//! Streams: of starts, of logs in both forms, of changes and of runs of code.

use std::fmt::Write as _;

use blaxel_core::Body;
use blaxel_sandbox::process::{Event, Events};
use http::Method;
use serde_json::{Value, json};

use super::input::{Format, Input};
use super::run::run;
use super::service::{Answer, body, json as document, paused, problem, sandbox};

/// Lines of the streams of processes.
const LINES: &[&[u8]] = &[
    b"\n", b"\r\n", b" ", b"{", b"}", b"\"", b"\xff", "é".as_bytes(), b"[]\n", b"{}\n", b"null\n",
    b"{\"type\":\"stdout\",\"data\":\"a\\n\"}\n",
    b"{\"type\":\"stdout\",\"data\":\"\xc3\xa9\"}\n",
    b"{\"type\":\"stderr\",\"data\":\"/w==\",\"encoding\":\"base64\"}\n",
    b"{\"type\":\"stdout\",\"data\":\"/w=\",\"encoding\":\"base64\"}\n",
    b"{\"type\":\"stdout\",\"data\":\"x\",\"encoding\":\"rot13\"}\n",
    b"{\"type\":\"stdout\",\"data\":7,\"encoding\":null}\n",
    b"{\"type\":\"keepalive\"}\n",
    b"{\"type\":\"restart\",\"data\":null}\n",
    b"{\"type\":\"truncated\"}\n",
    b"{\"type\":\"error\",\"data\":\"gone\"}\n",
    b"{\"type\":\"later\",\"data\":{}}\n",
    b"{\"type\":\"result\",\"data\":\"{\\\"pid\\\":\\\"1\\\",\\\"status\\\":\\\"completed\\\",\\\"exitCode\\\":0,\\\"stdout\\\":\\\"a\\\\n\\\"}\"}\n",
    b"{\"type\":\"result\",\"data\":\"{\\\"pid\\\":\\\"1\\\",\\\"status\\\":\\\"running\\\"}\"}\n",
    b"{\"type\":\"result\",\"data\":\"7\"}\n",
];

/// Parts of the text form of logs.
const TEXT: &[&[u8]] = &[
    b"\n", b"\n", b"\r\n", b"stdout:", b"stderr:", b"stdout", b"a", b"\xff", "é".as_bytes(), b"[keepalive]\n",
    b"[keepalive]", b"[Process is being gracefully terminated]\n", b"[Process is being forcefully killed]\n",
    b"[Process failed with exit code 1. Attempting restart 1/3...]\n",
    b"[output truncated: the stream fell behind]\n", b"[... truncated, see the process log file", b"{\"error\":\"no\"}",
    b"{\"error\":",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

const CHANGES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b" ",
    b"[keepalive]",
    b"[keepalive]\n",
    b"<",
    b"\xff",
    b"{}\n",
    b"7\n",
    b"{\"op\":\"CREATE\",\"name\":\"a\",\"path\":\"/d\",\"error\":null}\n",
    b"{\"op\":\"WRITE|CHMOD\",\"name\":\"\",\"path\":\"\"}\n",
    b"{\"op\":\"\",\"name\":\"\xc3\xbc\",\"path\":\"/\"}",
    b"{\"op\":\"",
    b"\",\"name\":\"",
];

const RECORDS: &[&[u8]] = &[
    b"\n", b"\r\n", b" ", b"<", b"\xff", b"{}\n", b"plain text\n", b"{\"type\":\"stdout\",\"text\":\"a\"}\n",
    b"{\"type\":\"stderr\",\"text\":null,\"timestamp\":7}\n", b"{\"type\":\"stdout\",\"text\":7}\n",
    b"{\"type\":\"result\",\"text\":\"1\",\"is_main_result\":true,\"png\":\"AA==\",\"extra\":{\"x\":1}}\n",
    b"{\"type\":\"result\",\"json\":[1,{}],\"extra\":null,\"pdf\":\"!\"}\n",
    b"{\"type\":\"error\",\"name\":\"E\",\"value\":\"v\",\"traceback\":[]}\n",
    b"{\"type\":\"error\",\"name\":\"UnexpectedEndOfExecution\",\"value\":\"lost\"}\n",
    b"{\"type\":\"number_of_executions\",\"execution_count\":3}\n",
    b"{\"type\":\"number_of_executions\",\"execution_count\":-3}\n", b"{\"type\":\"later\"}\n",
    b"{\"type\":\"unexpected_end_of_execution\"}\n", b"{\"type\":\"end_of_execution\"}\n", b"{\"type\":\"end_of_",
];

/// Returns the state of a process that has ended. Its output is in it or not.
fn ended(flags: usize) -> Value {
    let mut state = json!({
        "pid": "1", "command": "x", "status": "completed", "exitCode": 0, "completedAt": "x",
    });
    if flags & 1 == 1 {
        state["stdout"] = "a\n".into();
        state["stderr"] = "".into();
    }
    if flags & 2 == 2 {
        state["status"] = "failed".into();
        state["restartOnFailure"] = true.into();
        state["maxRestarts"] = 3.into();
    }
    state
}

/// Answers the calls for a process whose streams are the input.
fn process(input: &Input, form: &'static str) -> impl Fn(&http::Request<Body>) -> Answer + use<> {
    let input = input.clone();
    move |request| {
        let is_stream = request.uri().path().ends_with("/logs/stream");
        if is_stream || request.method() == Method::POST {
            return body(form, &input);
        }
        document(&ended(input.flags))
    }
}

/// Reads events to their end. The output of a stream may come in any number of units.
async fn read(events: &mut Events<impl blaxel_core::HttpService>) -> String {
    let (mut seen, mut last) = (String::new(), None);
    loop {
        match events.try_next().await {
            Ok(Some(Event::Stdout(bytes))) => print(&mut seen, &mut last, "stdout", &bytes),
            Ok(Some(Event::Stderr(bytes))) => print(&mut seen, &mut last, "stderr", &bytes),
            Ok(Some(event)) => {
                last = None;
                write!(seen, "\n{event:?}").unwrap();
            }
            Ok(None) => return seen,
            Err(error) => return seen + "\n" + &problem(&error),
        }
    }
}

fn print(seen: &mut String, last: &mut Option<&str>, stream: &'static str, bytes: &[u8]) {
    if *last != Some(stream) {
        write!(seen, "\n{stream} ").unwrap();
        *last = Some(stream);
    }
    write!(seen, "{}", bytes.escape_ascii()).unwrap();
}

#[test]
fn the_output_of_a_command_does_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&Format::new(LINES, LINES), |input| {
        let sandbox = sandbox(process(input, "application/x-ndjson"));
        let output = sandbox.command("x").output();
        match runtime.block_on(output) {
            Ok(output) => format!("{output:?}"),
            Err(error) => problem(&error),
        }
    });
}

fn follow(form: &'static str, tokens: &[&[u8]], seed: &[u8]) {
    let runtime = paused();
    run(&Format::new(tokens, &[seed]), |input| {
        let sandbox = sandbox(process(input, form));
        let mut events = sandbox.process("x").follow();
        runtime.block_on(read(&mut events))
    });
}

/// The server can be reached each time, but the stream of an ended process never ends well.
#[test]
fn a_stream_that_breaks_at_each_connection_is_given_up() {
    let output = "{\"type\":\"stdout\",\"data\":\"a\"}";
    for lines in [
        "{\"type\":\"keepalive\"}".to_owned(),
        "{\"type\":\"truncated\"}".to_owned(),
        // The output is the same each time, but cannot be counted.
        format!("{{\"type\":\"truncated\"}}\n{output}"),
        format!("{{\"type\":\"truncated\"}}\n{output}\nnull"),
    ] {
        let input = Input {
            bytes: format!("{lines}\n{{\"type\":\"").into(),
            cuts: Vec::new(),
            flags: 0,
        };
        let sandbox = sandbox(process(&input, "application/x-ndjson"));
        let mut events = sandbox.process("x").follow();
        let seen = paused().block_on(read(&mut events));
        let is_error = seen.contains("Truncated") || seen.contains("Decode");
        assert!(is_error, "{lines}: {seen}");
    }
}

#[test]
fn logs_in_lines_do_not_depend_on_the_chunks() {
    follow("application/x-ndjson", LINES, &LINES.concat());
}

#[test]
fn logs_as_text_do_not_depend_on_the_chunks() {
    follow("text/plain", TEXT, &TEXT.concat());
}

#[test]
fn changes_of_files_do_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&Format::new(CHANGES, &[&CHANGES.concat()]), |input| {
        let input = input.clone();
        let sandbox = sandbox(move |_| body("text/plain", &input));
        runtime.block_on(async {
            let mut events = match sandbox.fs().watch("/data").await {
                Ok(events) => events,
                Err(error) => return problem(&error),
            };
            let mut seen = String::new();
            loop {
                match events.try_next().await {
                    Ok(Some(event)) => write!(seen, "\n{event:?} at {}", event.path()).unwrap(),
                    Ok(None) => panic!("the end of a watch is an error"),
                    Err(error) => return seen + "\n" + &problem(&error),
                }
            }
        })
    });
}

#[test]
fn runs_of_code_do_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&Format::new(RECORDS, &[&RECORDS.concat()]), |input| {
        let input = input.clone();
        let sandbox = sandbox(move |_| body("application/x-ndjson", &input));
        let interpreter = sandbox.interpreter();
        runtime.block_on(async {
            let output = interpreter.run("x").output().await;
            let output =
                output.map_or_else(|error| problem(&error), |output| format!("{output:?}"));
            let mut events = match interpreter.run("x").stream().await {
                Ok(events) => events,
                Err(error) => return output + &problem(&error),
            };
            let mut seen = output;
            loop {
                match events.try_next().await {
                    Ok(Some(event)) => write!(seen, "\n{event:?}").unwrap(),
                    Ok(None) => return seen,
                    Err(error) => return seen + "\n" + &problem(&error),
                }
            }
        })
    });
}
