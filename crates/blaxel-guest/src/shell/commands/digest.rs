//! `base64`, `sha256sum` and `md5sum`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::Done;
use super::input::{bare_lines, or_stdin};
use crate::shell::Shell;

pub(super) async fn base64(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("decode", 'd'), ("wrap", 'w'), ("ignore-garbage", 'i')];
    let given = shell.arguments("base64", arguments, "dDw:i", &long).await?;
    let operand = given.operands.first().map_or("-", String::as_str);
    let Some(text) = shell.read_whole("base64", operand).await else {
        return Err(1);
    };
    if given.has('d') || given.has('D') {
        let text: Vec<u8> = text
            .into_iter()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        return match BASE64_STANDARD.decode(&text) {
            Ok(bytes) => {
                shell.write_of("base64", bytes).await?;
                Ok(0)
            }
            Err(_) => {
                // The whole groups before the mistake are still written.
                let is_symbol = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
                let valid = text.iter().take_while(is_symbol).count() / 4 * 4;
                let start = text.get(..valid).unwrap_or_default();
                let bytes = BASE64_STANDARD.decode(start).unwrap_or_default();
                shell.write_of("base64", bytes).await?;
                shell.report_of("base64", "invalid input").await;
                Err(1)
            }
        };
    }
    let width = given.value('w').map_or(Ok(76), str::parse::<usize>);
    let Ok(width) = width else {
        let text = given.value('w').unwrap_or_default();
        shell
            .report_of("base64", format!("invalid wrap size: '{text}'"))
            .await;
        return Err(1);
    };
    let encoded = BASE64_STANDARD.encode(&text);
    let output = match width {
        0 => encoded,
        width => {
            let mut output = String::new();
            for line in encoded.as_bytes().chunks(width) {
                output.push_str(&String::from_utf8_lossy(line));
                output.push('\n');
            }
            output
        }
    };
    shell.write_of("base64", output).await?;
    Ok(0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn sha256sum(shell: &mut Shell, arguments: &[String]) -> Done {
    sums(shell, "sha256sum", arguments, |text| {
        hex(&Sha256::digest(text))
    })
    .await
}

pub(super) async fn md5sum(shell: &mut Shell, arguments: &[String]) -> Done {
    sums(shell, "md5sum", arguments, |text| hex(&Md5::digest(text))).await
}

async fn sums(
    shell: &mut Shell,
    name: &str,
    arguments: &[String],
    digest: fn(&[u8]) -> String,
) -> Done {
    let long = [
        ("check", 'c'),
        ("binary", 'b'),
        ("text", 't'),
        ("status", 's'),
        ("quiet", 'q'),
    ];
    let given = shell.arguments(name, arguments, "cbtsq", &long).await?;
    let mut status = 0;
    for operand in or_stdin(&given.operands) {
        let Some(text) = shell.read_whole(name, &operand).await else {
            status = 1;
            continue;
        };
        if !given.has('c') {
            shell
                .write_of(name, format!("{}  {operand}\n", digest(&text)))
                .await?;
            continue;
        }
        let mut failed = 0;
        for line in bare_lines(&text) {
            let line = String::from_utf8_lossy(line).into_owned();
            let Some((sum, file)) = line.split_once("  ").or_else(|| line.split_once(" *")) else {
                continue;
            };
            let content = shell.read_whole(name, file).await;
            let is_right = content.is_some_and(|content| digest(&content) == sum);
            failed += usize::from(!is_right);
            let is_told = !(given.has('s') || is_right && given.has('q'));
            if is_told {
                let verdict = if is_right { "OK" } else { "FAILED" };
                shell.write_of(name, format!("{file}: {verdict}\n")).await?;
            }
        }
        if failed > 0 {
            status = 1;
            if !given.has('s') {
                let (noun, verb) = if failed == 1 {
                    ("checksum", "did")
                } else {
                    ("checksums", "did")
                };
                let message = format!("WARNING: {failed} computed {noun} {verb} NOT match");
                shell.report_of(name, message).await;
            }
        }
    }
    Ok(status)
}
