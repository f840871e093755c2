//! Space and raw bytes: `dd`, `du`, `truncate`.

use super::lines::size;
use super::listing::{blocks, human};
use super::{Done, quoted};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _, OpenOptions, join};
use crate::shell::Shell;
use crate::shell::io::Io;

/// The largest block.
const MAX_BLOCK: u64 = 64 << 20;

pub(super) async fn dd(shell: &mut Shell, arguments: &[String]) -> Done {
    let (mut input, mut output) = (None, None);
    let (mut block, mut count, mut skip, mut seek) = (512, u64::MAX, 0, 0);
    let mut is_quiet = false;
    let mut truncates = true;
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        let number = size(value);
        match (name, number) {
            ("if", _) => input = Some(value.to_owned()),
            ("of", _) => output = Some(value.to_owned()),
            ("status", _) => is_quiet = value == "none",
            ("conv" | "oflag" | "iflag", _) => truncates &= !value.contains("notrunc"),
            ("bs" | "ibs" | "obs", Some(number)) if number > 0 => block = number.min(MAX_BLOCK),
            ("count", Some(number)) => count = number,
            ("skip", Some(number)) => skip = number,
            ("seek", Some(number)) => seek = number,
            ("bs" | "ibs" | "obs" | "count" | "skip" | "seek", _) => {
                shell
                    .report_of("dd", format!("invalid number: {}", quoted(value)))
                    .await;
                return Err(1);
            }
            _ => {
                return Err(shell
                    .usage("dd", &format!("unrecognized operand {}", quoted(argument)))
                    .await);
            }
        }
    }
    let is_random = matches!(input.as_deref(), Some("/dev/urandom" | "/dev/random"));
    let source = match input.as_deref() {
        None => shell.files.stdin(),
        Some(_) if is_random => Io::Null,
        Some(path) => match shell.open(path, &OpenOptions::reading()) {
            Ok(io) => io,
            Err(errno) => {
                shell
                    .report_of(
                        "dd",
                        format!("failed to open {}: {}", quoted(path), errno.text()),
                    )
                    .await;
                return Err(1);
            }
        },
    };
    let mut target = None;
    if let Some(path) = &output {
        let options = OpenOptions {
            truncate: truncates && seek == 0,
            ..OpenOptions::replacing(0o666 & !shell.umask)
        };
        match shell.disk.open(&shell.path(path), &options) {
            Ok(file) => target = Some(file),
            Err(errno) => {
                shell
                    .report_of(
                        "dd",
                        format!("failed to open {}: {}", quoted(path), errno.text()),
                    )
                    .await;
                return Err(1);
            }
        }
    }
    let started = shell.kernel.clock.since_epoch();
    let size = usize::try_from(block).unwrap_or(512);
    let (mut full, mut partial, mut copied) = (0_u64, 0_u64, 0_u64);
    let mut skipped = 0;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut status = 0;
    while full + partial < count {
        let mut bytes = Vec::new();
        if is_random {
            bytes.resize_with(size, || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed.to_le_bytes().first().copied().unwrap_or(0)
            });
        } else {
            while bytes.len() < size {
                let mut read = source.read().await.unwrap_or_default();
                if read.is_empty() {
                    break;
                }
                let rest = read.split_off(read.len().min(size - bytes.len()));
                bytes.extend_from_slice(&read);
                if !rest.is_empty() {
                    source.unread(rest).await;
                }
            }
        }
        if bytes.is_empty() {
            break;
        }
        if skipped < skip {
            skipped += 1;
            continue;
        }
        match bytes.len() == size {
            true => full += 1,
            false => partial += 1,
        }
        let written = match &target {
            Some(file) => file.write_all_at(seek * block + copied, &bytes),
            None => shell.files.print(&bytes).await,
        };
        if let Err(errno) = written {
            let name = output.as_deref().unwrap_or("standard output");
            shell
                .report_of(
                    "dd",
                    format!("error writing {}: {}", quoted(name), errno.text()),
                )
                .await;
            status = 1;
            full = full.saturating_sub(1);
            break;
        }
        copied += bytes.len() as u64;
        tokio::task::yield_now().await;
    }
    if !is_quiet {
        let elapsed = shell
            .kernel
            .clock
            .since_epoch()
            .saturating_sub(started)
            .as_secs_f64();
        let units = match copied {
            1024.. => format!(" ({}B, {}iB)", decimal(copied), human(copied)),
            _ => String::new(),
        };
        let records = format!("{full}+{partial} records in\n{full}+{partial} records out\n");
        let speed = copied as f64 / elapsed.max(1e-6) / 1e6;
        let text =
            format!("{records}{copied} bytes{units} copied, {elapsed:.6} s, {speed:.1} MB/s\n");
        shell.files.warn(text).await;
    }
    Ok(status)
}

/// Returns a size with a decimal unit, such as `1.0 M`.
fn decimal(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, " ");
    for next in [" k", " M", " G"] {
        if value >= 1000.0 {
            value /= 1000.0;
            unit = next;
        }
    }
    match value < 10.0 {
        true => format!("{value:.1}{unit}"),
        false => format!("{value:.0}{unit}"),
    }
}

pub(super) async fn du(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("human-readable", 'h'),
        ("summarize", 's'),
        ("all", 'a'),
        ("bytes", 'b'),
        ("max-depth", 'd'),
    ];
    let given = shell.arguments("du", arguments, "hsabckd:m", &long).await?;
    let operands = match given.operands.is_empty() {
        true => vec![".".to_owned()],
        false => given.operands.clone(),
    };
    let depth = given.value('d').and_then(|text| text.parse().ok());
    let depth = if given.has('s') {
        0
    } else {
        depth.unwrap_or(usize::MAX)
    };
    let mut status = 0;
    let mut rows = Vec::new();
    for operand in &operands {
        let path = shell.path(operand);
        match shell.disk.link_metadata(&path) {
            Ok(_) => {
                usage(
                    shell,
                    operand,
                    &path,
                    (depth, given.has('a'), given.has('b')),
                    0,
                    &mut rows,
                );
            }
            Err(errno) => {
                status = 1;
                let message = format!("cannot access {}: {}", quoted(operand), errno.text());
                shell.report_of("du", message).await;
            }
        }
    }
    let lines = rows.iter().map(|(amount, name)| {
        let amount = match (given.has('h'), given.has('b')) {
            (true, false) => human(amount * 1024),
            _ => amount.to_string(),
        };
        format!("{amount}\t{name}\n")
    });
    let lines: String = lines.collect();
    shell.write_of("du", lines).await?;
    Ok(status)
}

fn usage(
    shell: &Shell,
    name: &str,
    path: &str,
    options: (usize, bool, bool),
    level: usize,
    rows: &mut Vec<(u64, String)>,
) -> u64 {
    let (depth, shows_files, counts_bytes) = options;
    let Ok(file) = shell.disk.link_metadata(path) else {
        return 0;
    };
    let mut total = match counts_bytes {
        true => file.size,
        false => blocks(&file),
    };
    let is_directory = file.kind == FileKind::Directory;
    if is_directory {
        for entry in shell.disk.read_dir(path).unwrap_or_default() {
            let below = join(path, &entry.name);
            let shown = join(name, &entry.name);
            let shown = if name.starts_with('/') {
                shown
            } else {
                format!("{}/{}", name.trim_end_matches('/'), entry.name)
            };
            total += usage(shell, &shown, &below, options, level + 1, rows);
        }
    }
    if level <= depth && (is_directory || shows_files || level == 0) {
        rows.push((total, name.to_owned()));
    }
    total
}

pub(super) async fn truncate(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("size", 's'), ("no-create", 'c')];
    let given = shell.arguments("truncate", arguments, "s:c", &long).await?;
    let Some(text) = given.value('s') else {
        return Err(shell
            .usage(
                "truncate",
                "you must specify either '--size' or '--reference'",
            )
            .await);
    };
    let (sign, number) = match text.split_at_checked(1) {
        Some((sign @ ("+" | "-"), number)) => (sign, number),
        _ => ("", text),
    };
    let Some(number) = size(number) else {
        shell
            .report_of("truncate", format!("Invalid number: {}", quoted(text)))
            .await;
        return Err(1);
    };
    let mut status = 0;
    for operand in &given.operands {
        let options = OpenOptions {
            truncate: false,
            create: !given.has('c'),
            ..OpenOptions::replacing(0o666 & !shell.umask)
        };
        let cut = shell
            .disk
            .open(&shell.path(operand), &options)
            .and_then(|file| {
                let old = file.metadata()?.size;
                file.set_len(match sign {
                    "+" => old.checked_add(number).ok_or(Errno::FileTooLarge)?,
                    "-" => old.saturating_sub(number),
                    _ => number,
                })
            });
        if let Err(errno) = cut {
            status = 1;
            let message = format!(
                "cannot open {} for writing: {}",
                quoted(operand),
                errno.text()
            );
            shell.report_of("truncate", message).await;
        }
    }
    Ok(status)
}
