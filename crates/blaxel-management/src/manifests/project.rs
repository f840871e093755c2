//! The resource that a project file, `blaxel.toml`, describes.
//!
//! The file has the settings of one deployment in a format of its own. The rules here are those of `bl deploy`.

use blaxel_core::Period;
use serde_json::{Map, Value, json};
use toml::Table;

use super::variables::{Variables, expand};

/// The variables of `[env]` that configure the tools of the developer, and not the program.
const NOT_FOR_PROGRAMS: [&str; 2] = ["BL_API_KEY", "BL_CLIENT_CREDENTIALS"];

/// The memory of an application whose file names none, in MB.
const APPLICATION_MEMORY: u32 = 2048;

/// The types of resources, for messages.
const TYPES: &str = "agent, function, job, sandbox, application, volume-template";

/// A problem, and the line with it, if it is known.
type Problem = (Option<usize>, String);

/// Returns the manifest of a project file. `name` is that of the directory, for a file without a name.
pub(super) fn manifest(text: &str, name: &str, variables: &Variables) -> Result<Value, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count().saturating_add(1));
        (line, format!("it is not valid TOML: {}", error.message()))
    })?;
    let file = json_of(file, variables).map_err(|text| (None, text))?;
    of_settings(file, name).map_err(|text| (None, text))
}

/// Converts a table to JSON, with the references in its texts expanded.
fn json_of(table: Table, variables: &Variables) -> Result<Map<String, Value>, String> {
    let members = table.into_iter();
    members
        .map(|(name, value)| Ok((name, json_value(value, variables)?)))
        .collect()
}

fn json_value(value: toml::Value, variables: &Variables) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => expand(&text, variables)?.into_owned().into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => number.into(),
            None => return Err("a number in it is not finite".to_owned()),
        },
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => {
            let items = items.into_iter().map(|item| json_value(item, variables));
            items.collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(table) => json_of(table, variables)?.into(),
    })
}

/// Returns the manifest of the settings.
fn of_settings(mut file: Map<String, Value>, directory: &str) -> Result<Value, String> {
    let kind = match file
        .get("type")
        .map(|kind| kind.as_str().ok_or("its type is not a text"))
        .transpose()?
    {
        None | Some("agent") => "Agent",
        Some("function") => "Function",
        Some("job") => "Job",
        Some("sandbox") => "Sandbox",
        Some("application") => "Application",
        Some("volume-template" | "volumetemplate" | "vt") => "VolumeTemplate",
        Some(other) => return Err(format!("its type `{other}` is none of {TYPES}")),
    };
    let name = file.remove("name").unwrap_or_else(|| directory.into());
    let mut spec = match kind {
        "VolumeTemplate" => moved(&mut file, &["defaultSize"]),
        "Application" => application(&mut file)?,
        _ => workload(&mut file, kind)?,
    };
    spec.extend(moved(&mut file, &["policies", "public"]));
    Ok(json!({"kind": kind, "metadata": {"name": name}, "spec": spec}))
}

/// Returns the members of the file that are members of the spec too.
fn moved(file: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let found = names.iter().filter_map(|name| file.remove_entry(*name));
    found.collect()
}

/// Returns the spec of an application.
fn application(file: &mut Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut revision = moved(file, &["image", "memory"]);
    revision
        .entry("memory")
        .or_insert_with(|| APPLICATION_MEMORY.into());
    revision.insert("envs".to_owned(), variables_of(file)?);
    let mut spec = moved(file, &["region", "port"]);
    spec.insert("enabled".to_owned(), true.into());
    spec.insert("revisions".to_owned(), json!([revision]));
    Ok(spec)
}

/// Returns the spec of an agent, function, job or sandbox.
fn workload(file: &mut Map<String, Value>, kind: &str) -> Result<Map<String, Value>, String> {
    let mut runtime = match file.remove("runtime") {
        None => Map::new(),
        Some(Value::Object(runtime)) => runtime,
        Some(_) => return Err("`runtime` is not a table".to_owned()),
    };
    in_seconds(&mut runtime)?;
    runtime.extend(moved(file, &["image"]));
    runtime.insert("envs".to_owned(), variables_of(file)?);
    if kind == "Function" {
        runtime.insert("type".to_owned(), "mcp".into());
    }
    let mut spec = moved(file, &["region", "triggers", "githubRunner"]);
    if kind != "Function" {
        spec.extend(moved(file, &["volumes"]));
    }
    for trigger in spec
        .get_mut("triggers")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let Some(trigger) = trigger.as_object_mut() else {
            return Err("a trigger is not a table".to_owned());
        };
        in_seconds(trigger)?;
        if let Some(configuration) = trigger
            .get_mut("configuration")
            .and_then(Value::as_object_mut)
        {
            in_seconds(configuration)?;
        }
    }
    spec.insert("runtime".to_owned(), runtime.into());
    Ok(spec)
}

/// Converts the member `timeout`, such as `15m`, to seconds.
fn in_seconds(members: &mut Map<String, Value>) -> Result<(), String> {
    let Some(timeout) = members.get_mut("timeout") else {
        return Ok(());
    };
    if let Some(text) = timeout.as_str() {
        let text = text.trim();
        let seconds = text.parse::<u64>().ok();
        let period = || text.to_ascii_lowercase().parse::<Period>().ok()?.duration();
        let seconds = seconds.or_else(|| Some(period()?.as_secs()));
        let seconds =
            seconds.ok_or_else(|| format!("the timeout `{text}` is not a time, such as `15m`"))?;
        *timeout = seconds.into();
    }
    Ok(())
}

/// Returns the environment variables of the program.
fn variables_of(file: &mut Map<String, Value>) -> Result<Value, String> {
    let variables = match file.remove("env") {
        None => Map::new(),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err("`env` is not a table".to_owned()),
    };
    let variables = variables.into_iter();
    let variables = variables.filter(|(name, _)| !NOT_FOR_PROGRAMS.contains(&name.as_str()));
    let variables = variables.map(|(name, value)| {
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("the variable `{name}` is not a text")),
        };
        Ok(json!({"name": name, "value": value}))
    });
    variables.collect::<Result<Vec<_>, _>>().map(Value::from)
}

#[cfg(test)]
mod tests {
    use blaxel_core::Secret;

    use super::*;

    fn parse(text: &str) -> Result<Value, Problem> {
        let variables = [("TOKEN", "t1"), ("REGION", "us-pdx-1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), Secret::from(value)));
        manifest(text, "my-directory", &Variables::from(variables))
    }

    #[test]
    fn each_type_becomes_its_kind() {
        let agent = r#"
            name = "bot"
            region = "$REGION"
            public = true
            policies = ["eu"]
            entrypoint = { prod = "python main.py" }
            image = "docker.io/team/bot:1"
            [env]
            KEY = "${secrets.TOKEN}"
            DEPTH = 3
            BL_API_KEY = "for the developer"
            [runtime]
            memory = 4096
            timeout = "15m"
            novel = { a = 1.5 }
            [[triggers]]
            type = "http-async"
            timeout = "1h"
            configuration = { path = "/hook", timeout = "90" }
            [[volumes]]
            name = "data"
            mountPath = "/data"
        "#;
        let runtime = json!({
            "memory": 4096, "timeout": 900, "novel": {"a": 1.5}, "image": "docker.io/team/bot:1",
            "envs": [{"name": "DEPTH", "value": "3"}, {"name": "KEY", "value": "t1"}],
        });
        let trigger = json!({
            "type": "http-async", "timeout": 3600, "configuration": {"path": "/hook", "timeout": 90},
        });
        assert_eq!(
            parse(agent).unwrap(),
            json!({"kind": "Agent", "metadata": {"name": "bot"}, "spec": {
                "region": "us-pdx-1", "public": true, "policies": ["eu"], "runtime": runtime,
                "triggers": [trigger], "volumes": [{"name": "data", "mountPath": "/data"}],
            }})
        );
        for (text, kind, spec) in [
            ("", "Agent", json!({"runtime": {"envs": []}})),
            (
                "type = 'function'",
                "Function",
                json!({"runtime": {"envs": [], "type": "mcp"}}),
            ),
            (
                "type = 'job'\n[githubRunner]\na = 1",
                "Job",
                json!({"githubRunner": {"a": 1}, "runtime": {"envs": []}}),
            ),
            (
                "type = 'sandbox'",
                "Sandbox",
                json!({"runtime": {"envs": []}}),
            ),
            (
                "type = 'application'\nport = 80\nimage = 'i'",
                "Application",
                json!({"enabled": true, "port": 80, "revisions": [{"envs": [], "image": "i", "memory": 2048}]}),
            ),
            (
                "type = 'vt'\ndefaultSize = 10",
                "VolumeTemplate",
                json!({"defaultSize": 10}),
            ),
        ] {
            let expected =
                json!({"kind": kind, "metadata": {"name": "my-directory"}, "spec": spec});
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_problem_is_named_without_values() {
        let (_, problem) = parse(&("a.".repeat(100_000) + "b = 1")).unwrap_err();
        assert!(problem.contains("not valid TOML"));
        for (text, line, part) in [
            ("name = 'a'\nkey = canary", Some(2), "not valid TOML"),
            ("type = 'kite'", None, "`kite` is none of agent, function"),
            ("type = 5", None, "type is not a text"),
            ("env = 'canary'", None, "`env`"),
            ("[env]\nKEY = ['canary']", None, "`KEY`"),
            ("runtime = 'canary'", None, "`runtime`"),
            ("triggers = ['canary']", None, "trigger"),
            ("[runtime]\ntimeout = 'soon'", None, "`soon`"),
            ("[env]\nKEY = '$secrets.NONE'", None, "`NONE`"),
            ("[runtime]\nmemory = nan", None, "not finite"),
            ("[env]\nKEY = -inf", None, "not finite"),
        ] {
            let (found, problem) = parse(text).unwrap_err();
            assert_eq!(found, line, "{text}");
            assert!(
                problem.contains(part) && !problem.contains("canary"),
                "{problem}"
            );
        }
    }
}
