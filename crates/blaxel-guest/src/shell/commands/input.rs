//! Reading files: `cat`, `tee` and what other programs use.

use bytes::Bytes;

use super::Done;
use crate::errno::Errno;
use crate::files::{FileKind, OpenOptions};
use crate::shell::io::Io;
use crate::shell::{Shell, TEXT_LIMIT};

impl Shell {
    /// Opens an operand for reading; `-` is standard input. Failures are reported.
    pub(super) async fn input(&self, name: &str, operand: &str) -> Option<Io> {
        let opened = match operand {
            "-" => Ok(self.files.stdin()),
            path => self.open(path, &OpenOptions::reading()),
        };
        match opened {
            Ok(io) => Some(io),
            Err(errno) => {
                self.report_of(name, format!("{operand}: {}", errno.text()))
                    .await;
                None
            }
        }
    }

    /// Reads some bytes of an operand. Failures are reported.
    pub(super) async fn read_some(&self, name: &str, operand: &str, io: &Io) -> Option<Bytes> {
        let is_directory = io.as_file().is_some_and(|file| {
            file.metadata()
                .is_ok_and(|metadata| metadata.kind == FileKind::Directory)
        });
        let read = match is_directory {
            true => Err(Errno::IsDirectory),
            false => io.read().await,
        };
        match read {
            Ok(bytes) => Some(bytes),
            Err(errno) => {
                self.report_of(name, format!("{operand}: {}", errno.text()))
                    .await;
                None
            }
        }
    }

    /// Reads an operand to its end. Failures are reported.
    pub(super) async fn read_whole(&self, name: &str, operand: &str) -> Option<Vec<u8>> {
        let io = self.input(name, operand).await?;
        let mut all = Vec::new();
        loop {
            let bytes = self.read_some(name, operand, &io).await?;
            if bytes.is_empty() {
                return Some(all);
            }
            all.extend_from_slice(&bytes);
            if all.len() > TEXT_LIMIT {
                self.report_of(name, "memory exhausted").await;
                return None;
            }
        }
    }

    /// Reads all operands, or standard input if there are none. The flag is `false` if one could
    /// not be read.
    pub(super) async fn read_operands(&self, name: &str, operands: &[String]) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        let mut is_complete = true;
        for operand in or_stdin(operands) {
            match self.read_whole(name, &operand).await {
                Some(bytes) => all.extend(bytes),
                None => is_complete = false,
            }
        }
        (all, is_complete)
    }
}

/// Returns the operands, or `-` if there are none.
pub(super) fn or_stdin(operands: &[String]) -> Vec<String> {
    match operands.is_empty() {
        true => vec!["-".to_owned()],
        false => operands.to_vec(),
    }
}

/// Divides text into lines with their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Divides text into lines without their ends.
pub(super) fn bare_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(text).map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

pub(super) async fn cat(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("number", 'n'),
        ("show-all", 'A'),
        ("show-ends", 'E'),
        ("squeeze-blank", 's'),
    ];
    let given = shell
        .arguments("cat", arguments, "nbAEeTtvus", &long)
        .await?;
    let mut status = 0;
    let mut number = 0_usize;
    let mut at_start = true;
    let mut is_blank = false;
    let ends = given.has('E') || given.has('A') || given.has('e');
    let tabs = given.has('T') || given.has('A') || given.has('t');
    let is_plain = !(given.has('n') || given.has('b') || given.has('s') || ends || tabs);
    for operand in or_stdin(&given.operands) {
        let Some(io) = shell.input("cat", &operand).await else {
            status = 1;
            continue;
        };
        loop {
            let Some(bytes) = shell.read_some("cat", &operand, &io).await else {
                status = 1;
                break;
            };
            if bytes.is_empty() {
                break;
            }
            if is_plain {
                shell.write_of("cat", &bytes).await?;
                continue;
            }
            let mut output = Vec::new();
            for line in lines(&bytes) {
                let is_empty = at_start && line == b"\n";
                if is_empty && is_blank && given.has('s') {
                    continue;
                }
                is_blank = is_empty;
                if at_start && (given.has('b') && !is_empty || given.has('n') && !given.has('b')) {
                    number += 1;
                    output.extend(format!("{number:6}\t").bytes());
                }
                at_start = line.ends_with(b"\n");
                for byte in line {
                    match byte {
                        b'\n' if ends => output.extend(b"$\n"),
                        b'\t' if tabs => output.extend(b"^I"),
                        other => output.push(*other),
                    }
                }
            }
            shell.write_of("cat", &output).await?;
        }
    }
    Ok(status)
}

pub(super) async fn tee(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("append", 'a'), ("ignore-interrupts", 'i')];
    let given = shell.arguments("tee", arguments, "ai", &long).await?;
    let mut status = 0;
    let mut outputs = Vec::new();
    for operand in &given.operands {
        let options = OpenOptions {
            append: given.has('a'),
            truncate: !given.has('a'),
            ..OpenOptions::replacing(0o666 & !shell.umask)
        };
        match shell.open(operand, &options) {
            Ok(io) => outputs.push((operand, io)),
            Err(errno) => {
                shell
                    .report_of("tee", format!("{operand}: {}", errno.text()))
                    .await;
                status = 1;
            }
        }
    }
    let stdin = shell.files.stdin();
    loop {
        let bytes = stdin.read().await.unwrap_or_default();
        if bytes.is_empty() {
            return Ok(status);
        }
        for (operand, io) in &outputs {
            if let Err(errno) = io.write(&bytes).await {
                shell
                    .report_of("tee", format!("{operand}: {}", errno.text()))
                    .await;
                status = 1;
            }
        }
        shell.write_of("tee", &bytes).await?;
    }
}
