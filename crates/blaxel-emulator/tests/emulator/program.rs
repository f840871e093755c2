//! The program `blaxel-emulator`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use blaxel_core::{Body, open, response};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blaxel-emulator"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn it_prints_its_variables_and_serves() {
    let mut command = program(&["--workspace", "team-a", "--seed=7"]);
    let mut running = Running(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let out = BufReader::new(running.0.stdout.take().unwrap());
    let lines: Vec<String> = out.lines().take(5).map(Result::unwrap).collect();
    let value = |name: &str| exported(&lines, name);
    assert_eq!(value("BL_WORKSPACE"), "team-a");
    assert!(!value("BL_API_KEY").is_empty() && value("BL_RUN_URL").ends_with("/run"));
    // A comment and not a variable: with both credentials set, clients disagree about which one to
    // use.
    assert_eq!(
        lines[4],
        "# BL_CLIENT_CREDENTIALS=ZW11bGF0b3ItY2xpZW50OmVtdWxhdG9yLXNlY3JldA=="
    );
    let url = value("BL_API_URL");
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/v0")
        .unwrap();
    TcpStream::connect(address).unwrap();
}

/// Returns the value of a variable that the program prints.
fn exported(lines: &[String], name: &str) -> String {
    let start = format!("export {name}=");
    let line = lines.iter().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("{name} in {lines:?}"))
        .to_owned()
}

#[test]
fn it_forwards_calls_to_a_server_on_this_machine() {
    let local = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("bot=http://{}", local.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = local.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        while !lines.next().unwrap().unwrap().is_empty() {}
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlocal";
        stream.write_all(answer).unwrap();
        first
    });
    let mut running = Running(
        program(&[
            "--forward",
            &target,
            "--forward=models/m=http://localhost:9",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap(),
    );
    let out = BufReader::new(running.0.stdout.take().unwrap());
    let lines: Vec<String> = out.lines().take(5).map(Result::unwrap).collect();
    let run = exported(&lines, "BL_RUN_URL");
    let origin = run.strip_prefix("http://").unwrap();
    let (address, path) = origin.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let key = exported(&lines, "BL_API_KEY");
    let request = format!(
        "GET /{path}/demo/agents/bot/v1/x HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nlocal"), "{answer}");
    assert_eq!(server.join().unwrap(), "GET /v1/x HTTP/1.1");
}

/// The parent process may be gone without having stopped the program.
#[test]
fn it_ends_with_its_standard_input_if_requested() {
    for (arguments, ends) in [(&["--until-stdin-closes"][..], true), (&[][..], false)] {
        let mut command = program(arguments);
        let mut running = Running(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut input = running.0.stdin.take().unwrap();
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        assert_eq!(lines.by_ref().take(5).count(), 5);
        input.write_all(b"what it reads means nothing\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(running.0.try_wait().unwrap(), None, "{arguments:?}");

        drop(input);
        if ends {
            assert_eq!(running.0.wait().unwrap().code(), Some(0));
        } else {
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(running.0.try_wait().unwrap(), None);
        }
    }
}

/// Runs a script of a shell while the emulator serves.
fn run_script(options: &[&str], script: &str) -> Output {
    let mut command = program(options);
    command.args(["run", "--", "sh", "-c", script, "name", "--seed"]);
    command
        .env("BL_CLIENT_CREDENTIALS", "others")
        .env("BL_ENV", "dev");
    command.output().unwrap()
}

#[test]
fn a_program_runs_with_the_variables_and_its_exit_code_is_returned() {
    let script = "echo \"$BL_API_URL|$BL_RUN_URL|$BL_WORKSPACE|$BL_API_KEY|$1\"
        echo \"${BL_CLIENT_CREDENTIALS-unset}|${BL_ENV-unset}\"; cat; echo error >&2; exit 3";
    let output = run_script(&["--workspace=team-a"], script);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stderr, b"error\n");
    let out = String::from_utf8(output.stdout).unwrap();
    let (first, rest) = out.split_once('\n').unwrap();
    let values: Vec<_> = first.split('|').collect();
    let [api, run_url, "team-a", "bl_emulator_key", "--seed"] = values[..] else {
        panic!("{values:?}");
    };
    assert!(
        api.starts_with("http://127.0.0.1:") && run_url.ends_with("/run"),
        "{values:?}"
    );
    assert_eq!(rest, "unset|unset\n");
    // The port is free again: the emulator has ended too.
    let address = api
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/v0")
        .unwrap();
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(run(&["run", "sh", "-c", "exit 0"]).status.code(), Some(0));
}

#[test]
fn the_end_of_a_program_by_a_signal_and_a_missing_one_are_codes_too() {
    assert_eq!(run_script(&[], "kill -9 $$").status.code(), Some(137));
    let output = run(&["run", "/no/such/program"]);
    assert_eq!(output.status.code(), Some(127));
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(problem.contains("/no/such/program"), "{problem}");
}

/// A terminal sends Ctrl-C to both; what the program makes of it decides.
#[test]
fn an_interrupt_is_left_to_the_program_and_a_termination_ends_both() {
    let signal = |running: &Running, name: &str| {
        let id = running.0.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    };
    let mut command = program(&["run", "sh", "-c", "echo $$; read line; exit 4"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let _id = lines.next().unwrap().unwrap();
    signal(&running, "-INT");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(running.0.try_wait().unwrap(), None);
    drop(running.0.stdin.take());
    assert_eq!(running.0.wait().unwrap().code(), Some(4));

    let script = "trap 'exit 7' TERM; echo $$; while :; do sleep 0.05; done";
    let mut command = program(&["run", "sh", "-c", script]);
    command.stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let id = lines.next().unwrap().unwrap();
    signal(&running, "-TERM");
    // Whoever asked the emulator alone to end means the program too, which has some time for it.
    let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(asked.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(7));
}

/// Creates two agents one after the other, and returns the times at which that happened.
fn creation_times(clock: &str, pause: Duration) -> [String; 2] {
    let mut command = program(&["--clock", clock]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    let out = BufReader::new(running.0.stdout.take().unwrap());
    let lines: Vec<String> = out.lines().take(5).map(Result::unwrap).collect();
    let url = exported(&lines, "BL_API_URL");
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/v0")
        .unwrap();
    let key = exported(&lines, "BL_API_KEY");
    ["a", "b"].map(|name| {
        std::thread::sleep(pause);
        let body = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{}}}}"#);
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "POST /v0/policies HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\
             x-blaxel-workspace: demo\r\nauthorization: Bearer {key}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let created = &body["metadata"]["createdAt"];
        created
            .as_str()
            .unwrap_or_else(|| panic!("{body}"))
            .to_owned()
    })
}

#[test]
fn the_clock_is_frozen_or_fast_as_it_is_told() {
    let [one, other] = creation_times("frozen", Duration::from_millis(20));
    assert_eq!(one, other);
    let [one, other] = creation_times("x86400", Duration::from_millis(20));
    // 20 ms are almost half an hour.
    assert_ne!(one[..15], other[..15], "{one} {other}");
}

/// Runs a script while an emulator with these options serves.
fn run_with_files(options: &[&str], script: &str) -> Output {
    let mut arguments = options.to_vec();
    arguments.extend(["run", "--", "sh", "-c", script]);
    run(&arguments)
}

#[test]
fn the_state_and_the_requests_are_written_at_the_end() {
    let directory = std::env::temp_dir().join(format!("emulator-program-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let at = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (state, har) = (at("state.json"), at("requests.har"));
    let options = [
        "--clock=frozen",
        "--data",
        &state,
        "--save",
        &state,
        "--har",
        &har,
    ];
    // The file of the state need not exist yet.
    let output = run_with_files(&options, "exit 3");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let saved = std::fs::read_to_string(&state).unwrap();
    let archive: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&har).unwrap()).unwrap();
    assert_eq!(archive["log"]["version"], "1.2");
    let again = run_with_files(&options, "true");
    assert!(again.status.success(), "{again:?}");
    assert_eq!(std::fs::read_to_string(&state).unwrap(), saved);
    // Options come after the settings of the data, wherever they are.
    let output = run_with_files(
        &["--workspace=other", "--data", &state],
        "test $BL_WORKSPACE = other",
    );
    assert!(output.status.success(), "{output:?}");
    // A file that cannot be written is a failure, though the program succeeds.
    let nowhere = at("missing/state.json");
    let output = run_with_files(&["--save", &nowhere], "true");
    assert_eq!(output.status.code(), Some(1));
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(
        problem.contains("--save") && problem.contains(&nowhere),
        "{problem}"
    );
    std::fs::remove_dir_all(&directory).unwrap();
}

/// One emulator is the platform; a program in another one's place talks to it through the recorder.
#[test]
fn a_recording_is_written_when_its_program_ends() {
    let directory = std::env::temp_dir().join(format!("emulator-record-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let out = directory.join("seed.json").to_str().unwrap().to_owned();
    let record = "exec \"$0\" record --upstream \"$BL_API_URL\" --out=\"$1\" -- \
        sh -c 'test -n \"$BL_API_KEY\" && echo \"$BL_API_URL\" && exit 5'";
    let itself = env!("CARGO_BIN_EXE_blaxel-emulator");
    let output = run(&["run", "sh", "-c", record, itself, &out]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("http://127.0.0.1:") && printed.ends_with("/v0\n"));
    let options = ["--data", &out];
    assert!(run_with_files(&options, "true").status.success());
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn the_seed_of_chaos_is_printed() {
    let output = run(&["--chaos", "4711", "run", "true"]);
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.contains("--chaos 4711"), "{printed}");
    let seed = |output: Output| String::from_utf8(output.stderr).unwrap();
    let random = || seed(run(&["--chaos=random", "run", "true"]));
    assert_ne!(random(), random());
}

#[test]
fn help_is_no_error() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("--workspace")
    );
}

#[tokio::test]
async fn the_document_that_is_printed_is_the_one_that_is_served() {
    let output = run(&["--openapi"]);
    assert!(output.status.success());
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let emulator = blaxel_emulator::Emulator::offline();
    let address = emulator.url().replace("/v0", "/openapi.json");
    let request = http::Request::get(address).body(Body::empty()).unwrap();
    let answer = open(&emulator.service(), request).await.unwrap();
    let served = response::collect(answer.into_body(), usize::MAX);
    let served: serde_json::Value = serde_json::from_slice(&served.await.unwrap()).unwrap();
    assert_eq!(printed, served);
}

#[test]
fn the_deviations_that_are_printed_are_those_of_the_documentation() {
    let output = run(&["--deviations"]);
    assert!(output.status.success());
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/emulator-deviations.md"
    );
    assert!(output.stdout == std::fs::read(path).unwrap());
}

#[test]
fn a_bad_option_is_exit_code_2() {
    for bad in [
        &["--colour"][..],
        &["--port"],
        &["--port", "70000"],
        &["--seed=x"],
        &["--workspace", "a b"],
        &["--forward"],
        &["--forward", "a"],
        &["--forward", "jobs/a=http://127.0.0.1:1338"],
        &["--forward", "a=https://127.0.0.1:1338"],
        &["--forward=a=http://example.com"],
        &["--until-stdin-closes=yes"],
        &["--openapi=json"],
        &["--clock", "fast"],
        &["--clock=x0"],
        &["--incident", "no-such"],
        &["--clock=x+2"],
        &["--data", "/no/such/file"],
        &["--chaos", "often"],
        &["record"],
        &["record", "--upstream=http://127.0.0.1:9/v0", "--out=x"],
        &["record", "--upstream=http://127.0.0.1:9", "--out=x", "true"],
        &["record", "--port=1", "true"],
        &["run"],
        &["run", "--"],
        &["run", "--seed", "sh"],
        &["--until-stdin-closes", "run", "true"],
        &["extra"],
    ] {
        let output = run(bad);
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
        assert!(output.stdout.is_empty());
        assert!(
            String::from_utf8(output.stderr).unwrap().contains("Usage"),
            "{bad:?}"
        );
    }
}

#[test]
fn a_taken_port_is_exit_code_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(run(&["--port", &port]).status.code(), Some(1));
}

/// The number of lines that it prints with TLS.
#[cfg(feature = "tls")]
const LINES_WITH_TLS: usize = 15;

#[cfg(all(feature = "tls", unix))]
#[test]
fn it_prints_what_clients_need_to_trust_it_and_removes_that_at_its_end() {
    let mut command = program(&["--tls"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = out
        .lines()
        .take(LINES_WITH_TLS)
        .map(Result::unwrap)
        .collect();
    let origin = exported(&lines, "BL_API_URL");
    let origin = origin.strip_suffix("/v0").unwrap();
    let proxy = format!("# HTTPS_PROXY={}", origin.replace("https:", "http:"));
    assert!(origin.starts_with("https://127.0.0.1:"), "{lines:?}");
    assert!(lines.contains(&proxy), "{lines:?}");
    let last = lines.last().unwrap();
    assert!(last.starts_with("# BL_CLIENT_CREDENTIALS="), "{lines:?}");
    let alone = exported(&lines, "NODE_EXTRA_CA_CERTS");
    let bundle = exported(&lines, "SSL_CERT_FILE");
    assert_eq!(bundle, exported(&lines, "REQUESTS_CA_BUNDLE"));
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    assert!(read(&bundle).starts_with(&read(&alone)));

    let id = child.id().to_string();
    let asked = Command::new("kill").arg(id).status().unwrap();
    assert!(asked.success());
    assert!(child.wait().unwrap().success());
    let directory = std::path::Path::new(&alone).parent().unwrap();
    assert!(!directory.exists(), "{directory:?}");
}

#[cfg(all(feature = "tls", unix))]
#[test]
fn a_program_that_it_runs_reaches_it_and_trusts_it() {
    let kept = std::env::temp_dir().join(format!("emulator-program-{}", std::process::id()));
    let script = "echo $HTTPS_PROXY $https_proxy; echo $NO_PROXY; echo $no_proxy; \
                  echo $BL_DISABLE_H2; cat $NODE_EXTRA_CA_CERTS";
    let told = || {
        let mut command = program(&["--tls-dir"]);
        command.arg(&kept).args(["run", "--", "sh", "-c", script]);
        command.env("NO_PROXY", "corp.test").env_remove("no_proxy");
        command.env_remove("BL_DISABLE_H2");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (first, second) = (told(), told());
    let lines: Vec<_> = first.lines().collect();
    let (proxy, same) = lines[0].split_once(' ').unwrap();
    assert!(proxy.starts_with("http://127.0.0.1:") && proxy == same);
    let own = "localhost,127.0.0.1,::1";
    assert_eq!(lines[1..4], [&format!("corp.test,{own}"), own, "1"]);
    assert_eq!(lines[4], "-----BEGIN CERTIFICATE-----");
    // The same authority, at another port.
    assert!(second.lines().skip(4).eq(lines[4..].iter().copied()));
    std::fs::remove_dir_all(&kept).unwrap();

    let nowhere = run(&["--tls-dir", "/dev/null/no"]);
    assert!(!nowhere.status.success());
    let problem = String::from_utf8(nowhere.stderr).unwrap();
    assert!(problem.contains("/dev/null/no/authority.pem"), "{problem}");
}
