//! Files and variables with settings.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use blaxel_auth::{ConfigFile, CredentialKind, Credentials, Environment, Variables};
use blaxel_core::Error;
use serde_json::{Value, json};

use crate::case::files;
use crate::check::{differences, report};
use crate::outcome;

/// Checks each file of a kind. Every part of it must be read without a panic, and never be printed.
fn check_files(kind: &str, extension: &str, read: impl Fn(&Path) -> Result<Value, Error>) {
    let described =
        |path: &Path| read(path).unwrap_or_else(|error| json!({"error": outcome::error(&error)}));
    let cases = files(kind, extension);
    let directory =
        std::env::temp_dir().join(format!("blaxel-corpus-{kind}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut problems = Vec::new();
    for (path, name, expected) in &cases {
        let found = differences(expected, &described(path));
        problems.extend(found.into_iter().map(|problem| (name.clone(), problem)));
        let text = std::fs::read(path).unwrap();
        let part = directory.join(path.file_name().unwrap());
        for at in 0..text.len() {
            write_long_ago(&part, &text[..at]);
            let outcome = described(&part);
            if outcome.to_string().contains("canary") {
                problems.push((name.clone(), format!("cut at {at}: printed {outcome}")));
                break;
            }
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
    report(cases.len(), problems);
}

/// Writes a file as if it had been there for an hour: a new one may be incomplete, and is read again.
fn write_long_ago(path: &Path, text: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(text).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
}

#[test]
fn env_files_are_read() {
    check_files("env-file", "env", |path| {
        let variables = Variables::default().with_env_file(path)?;
        let get =
            |name: &str| Ok::<_, Error>(variables.get(name)?.map(|(value, _)| value.to_owned()));
        Ok(json!({"BL_API_KEY": get("BL_API_KEY")?, "BL_WORKSPACE": get("BL_WORKSPACE")?}))
    });
}

#[test]
fn configuration_files_are_read() {
    check_files("config-file", "yaml", |path| {
        let file = ConfigFile::read(path)?.unwrap();
        let credentials = match file.current_workspace()? {
            Some(workspace) => file.credentials(Some(&workspace))?,
            None => None,
        };
        let environment = credentials.as_ref().and_then(Credentials::environment);
        Ok(json!({
            "workspace": file.current_workspace()?.map(|name| name.to_string()),
            "workspaces": file.workspaces().collect::<Vec<_>>(),
            "kind": credentials.as_ref().map(|found| kind(found.kind())),
            "environment": environment.map(Environment::as_str),
        }))
    });
}

#[test]
fn variables_are_read() {
    let cases = files("variables", "json");
    let mut problems = Vec::new();
    for (path, name, expected) in &cases {
        let outcome = read_variables(path, expected);
        let outcome = outcome.unwrap_or_else(|error| json!({"error": outcome::error(&error)}));
        let found = differences(expected, &outcome);
        problems.extend(found.into_iter().map(|problem| (name.clone(), problem)));
    }
    report(cases.len(), problems);
}

fn read_variables(_: &PathBuf, expected: &Value) -> Result<Value, Error> {
    let variables = expected["set"].as_object().unwrap().iter();
    let variables = variables.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let variables = Variables::from_iter(variables);
    let environment = Environment::from_variables(&variables)?;
    let credentials = Credentials::from_variables(&variables)?;
    let workspace = credentials.as_ref().and_then(Credentials::workspace);
    Ok(json!({
        "environment": environment.map(Environment::as_str),
        "workspace": workspace.map(ToString::to_string),
        "kind": credentials.as_ref().map(|found| kind(found.kind())),
    }))
}

fn kind(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::ApiKey => "api_key",
        CredentialKind::ClientCredentials => "client_credentials",
        CredentialKind::RefreshToken => "refresh_token",
        CredentialKind::AccessToken => "access_token",
        _ => "unknown",
    }
}
