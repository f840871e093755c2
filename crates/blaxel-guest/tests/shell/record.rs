//! The recorded scripts: reading, writing and recording them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A script and what it does.
pub(crate) struct Case {
    pub(crate) script: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; -1 if a signal ended it.
    pub(crate) status: i64,
}

const HEADER: &str = "\
# Scripts, and what the real shell and tools do with them: `$` is the script, `|` standard output, `!`
# standard error, `=` the exit code, which is -1 after a signal. A `\\` at the end of a line stands for
# a missing newline. To record new scripts: `RECORD=1 cargo test -p blaxel-guest --test shell`.
";

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/shell")
        .join(file)
}

pub(crate) fn read(file: &str) -> Vec<Case> {
    let text = fs::read_to_string(path(file)).unwrap();
    let blocks = text.split("\n\n").map(parse);
    blocks.filter(|case| !case.script.is_empty()).collect()
}

fn parse(block: &str) -> Case {
    let lines = |mark: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(mark));
        let lines: Vec<&str> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        lines.join("\n")
    };
    let output = |mark: &str| match lines(mark) {
        text if text.is_empty() && !block.lines().any(|line| line.starts_with(mark)) => text,
        text => match text.strip_suffix('\\') {
            Some(text) => text.to_owned(),
            None => text + "\n",
        },
    };
    Case {
        script: lines("$"),
        outcome: Outcome {
            stdout: output("|"),
            stderr: output("!"),
            status: lines("=").parse().unwrap_or(0),
        },
    }
}

pub(crate) fn write(file: &str, cases: &[Case]) {
    let mut text = HEADER.to_owned();
    for Case { script, outcome } in cases {
        text.push('\n');
        let mut push = |mark: char, lines: &str| {
            for line in lines.split('\n') {
                let line = format!("{mark} {line}");
                let line = line.trim_end_matches(' ');
                writeln!(text, "{line}").unwrap();
            }
        };
        push('$', script);
        for (mark, output) in [('|', &outcome.stdout), ('!', &outcome.stderr)] {
            match output.strip_suffix('\n') {
                Some(lines) => push(mark, lines),
                None if output.is_empty() => {}
                None => push(mark, &format!("{output}\\")),
            }
        }
        push('=', &outcome.status.to_string());
    }
    fs::write(path(file), text).unwrap();
}

/// Runs a script with the real shell, in an empty directory.
pub(crate) fn real(shell: &str, script: &str) -> Outcome {
    let program = if shell == "sh" { "dash" } else { shell };
    let directory = std::env::temp_dir().join(format!("blaxel-{shell}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    let output = Command::new(program)
        .arg0(shell)
        .args(["-c", script])
        .env_clear()
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/root"),
            ("LC_ALL", "C"),
            ("TZ", "UTC"),
        ])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(directory.to_str().unwrap(), "/work");
    Outcome {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        status: match output.status.signal() {
            Some(_) => -1,
            None => i64::from(output.status.code().unwrap()),
        },
    }
}
