//! `awk`, as far as scripts use it: without functions of the program, and without other inputs and
//! outputs than the operands and the standard streams.

mod fields;
mod functions;
mod lexer;
mod parser;
mod printf;
mod run;
mod syntax;
mod value;

use std::collections::BTreeMap;

use self::run::{Leave, Machine};
use self::syntax::{Pattern, Rule};
use self::value::Value;
use super::Done;
use super::input::bare_lines;
use crate::files::OpenOptions;
use crate::shell::Shell;
use crate::shell::format::{Escapes, escape};

/// The records between two pauses.
const PAUSE: usize = 64;

pub(super) async fn awk(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut machine = Machine::new();
    let (program, operands) = options(shell, arguments, &mut machine).await?;
    let rules = match parser::parse(&program) {
        Ok(rules) => rules,
        Err(message) => return Err(fail(shell, &message).await),
    };
    let environment = shell.variables.exported();
    let environment: BTreeMap<_, _> = environment
        .map(|(name, value)| (name.to_owned(), Value::Input(value.to_owned())))
        .collect();
    machine.arrays.insert("ENVIRON".to_owned(), environment);
    let mut end = machine.run_special(&rules, false);
    let mut is_complete = true;
    let reads = |rule: &Rule| !matches!(rule.pattern, Pattern::Begin);
    if end.is_ok() && rules.iter().any(reads) {
        (end, is_complete) = records(shell, &mut machine, &rules, &operands).await?;
    }
    // The rules of the end follow an exit too, unless it is theirs or comes before all records.
    let has_read = rules.iter().any(reads);
    if matches!(end, Ok(()) | Err(Leave::Exit)) && has_read {
        end = match machine.run_special(&rules, true) {
            Ok(()) => end,
            other => other,
        };
    }
    flush(shell, &mut machine).await?;
    match end {
        Err(Leave::Failed(message)) => Err(fail(shell, &message).await),
        _ if machine.status == 0 && !is_complete => Ok(2),
        _ => Ok(machine.status),
    }
}

/// Reads the options. Returns the program and the operands.
async fn options(
    shell: &mut Shell,
    arguments: &[String],
    machine: &mut Machine,
) -> Result<(String, Vec<String>), i32> {
    let mut rest = arguments.iter();
    let mut program: Option<String> = None;
    let mut operands: Vec<String> = Vec::new();
    while let Some(argument) = rest.next() {
        let option = argument.get(..2).filter(|_| argument.starts_with('-'));
        let (Some(option), true) = (option, operands.is_empty()) else {
            operands.push(argument.clone());
            operands.extend(rest.by_ref().cloned());
            break;
        };
        if option == "--" {
            operands.extend(rest.by_ref().cloned());
            break;
        }
        let attached = argument.get(2..).filter(|text| !text.is_empty());
        let value = attached.map(str::to_owned).or_else(|| rest.next().cloned());
        let Some(value) = value else {
            return Err(fail(shell, &format!("option requires an argument -- {option}")).await);
        };
        match option {
            "-F" => {
                let separator = match value.as_str() {
                    "t" => "\t".to_owned(),
                    value => unescaped(value),
                };
                machine
                    .variables
                    .insert("FS".to_owned(), Value::Text(separator));
            }
            "-v" => {
                if !assign(machine, &value) {
                    return Err(fail(shell, &format!("improper assignment: -v {value}")).await);
                }
            }
            "-f" => {
                let text = shell.read_whole("awk", &value).await.ok_or(2)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                let before = program.take().map(|text| text + "\n").unwrap_or_default();
                program = Some(before + &text);
            }
            other => return Err(fail(shell, &format!("not an option: {other}")).await),
        }
    }
    match program {
        Some(program) => Ok((program, operands)),
        None if operands.is_empty() => {
            let usage = "usage: awk [-F value] [-v var=value] [--] 'program text' [file ...]\n";
            shell.files.warn(usage.to_owned()).await;
            Err(2)
        }
        None => Ok((operands.remove(0), operands)),
    }
}

fn unescaped(text: &str) -> String {
    String::from_utf8_lossy(&escape(text, Escapes::Format).0).into_owned()
}

/// Carries out `name=value`. Returns `false` if it is something else.
fn assign(machine: &mut Machine, text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else {
        return false;
    };
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name {
        let value = Value::Input(unescaped(value));
        machine.variables.insert(name.to_owned(), value);
    }
    is_name
}

/// Runs the program for the records of all operands. The flag is `false` if one could not be read.
async fn records(
    shell: &mut Shell,
    machine: &mut Machine,
    rules: &[Rule],
    operands: &[String],
) -> Result<(Result<(), Leave>, bool), i32> {
    let mut is_complete = true;
    let mut number = 0.0;
    let is_file = |operand: &&String| {
        let name = operand.split_once('=').map(|(name, _)| name);
        !name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    let mut inputs: Vec<String> = operands.to_vec();
    if !operands.iter().any(|operand| is_file(&operand)) {
        inputs.push("-".to_owned());
    }
    for operand in inputs {
        if !is_file(&&operand) && assign(machine, &operand) {
            continue;
        }
        if operand != "-"
            && let Err(errno) = shell.open(&operand, &OpenOptions::reading())
        {
            let message = format!("cannot open {operand} ({})", errno.text());
            shell.report_of("awk", message).await;
            is_complete = false;
            continue;
        }
        let Some(text) = shell.read_whole("awk", &operand).await else {
            is_complete = false;
            continue;
        };
        let name = match operand.as_str() {
            "-" => String::new(),
            _ => operand,
        };
        machine
            .variables
            .insert("FILENAME".to_owned(), Value::Text(name));
        for (line, own) in bare_lines(&text).zip(1_u32..) {
            number += 1.0;
            let counts = [("NR", number), ("FNR", f64::from(own))];
            for (name, count) in counts {
                machine
                    .variables
                    .insert(name.to_owned(), Value::Number(count));
            }
            if let Err(leave) = machine.run_record(rules, &String::from_utf8_lossy(line)) {
                return Ok((Err(leave), is_complete));
            }
            if (number as usize).is_multiple_of(PAUSE) {
                flush(shell, machine).await?;
                tokio::task::yield_now().await;
            }
        }
    }
    Ok((Ok(()), is_complete))
}

/// Writes the output so far.
async fn flush(shell: &Shell, machine: &mut Machine) -> Result<(), i32> {
    let output = std::mem::take(&mut machine.output);
    let errors = std::mem::take(&mut machine.errors);
    if !errors.is_empty() {
        shell
            .files
            .warn(String::from_utf8_lossy(&errors).into_owned())
            .await;
    }
    shell.write_of("awk", output).await
}

async fn fail(shell: &Shell, message: &str) -> i32 {
    shell.report_of("awk", message).await;
    2
}
