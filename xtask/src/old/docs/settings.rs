//! What a manifest tells docs.rs.

use serde_json::Value;

/// The arguments that follow from `[package.metadata.docs.rs]`.
///
/// docs.rs gives `--cfg docsrs` to the compiler of every crate besides; here it is rustdoc's alone, so
/// that nothing has to be compiled for it.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    /// Those of cargo, by which features are chosen.
    pub(super) cargo: Vec<String>,
    /// Those of rustdoc.
    pub(super) rustdoc: Vec<String>,
}

impl Settings {
    /// Reads them from a package's metadata. Without any, docs.rs takes the default features.
    pub(super) fn read(metadata: &Value) -> Result<Self, String> {
        let mut settings = Self {
            cargo: Vec::new(),
            rustdoc: Vec::new(),
        };
        let members = metadata["docs"]["rs"].as_object();
        for (name, value) in members.into_iter().flatten() {
            match name.as_str() {
                "all-features" | "no-default-features" => {
                    if value.as_bool() == Some(true) {
                        settings.cargo.push(format!("--{name}"));
                    }
                }
                "features" => settings
                    .cargo
                    .extend(["--features".to_owned(), texts(name, value)?.join(",")]),
                "rustdoc-args" => settings.rustdoc = texts(name, value)?,
                _ => {
                    return Err(format!(
                        "`cargo xtask docs` does not know `{name}` of `[package.metadata.docs.rs]`; \
                         teach it, in xtask/src/docs/settings.rs"
                    ));
                }
            }
        }
        // docs.rs sets it whether told to or not.
        if !settings.rustdoc.iter().any(|argument| argument == "docsrs") {
            let always = ["--cfg", "docsrs"].map(str::to_owned);
            settings.rustdoc.extend(always);
        }
        Ok(settings)
    }
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let values = value.as_array().into_iter().flatten();
    let texts = values.map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    texts.ok_or_else(|| format!("`{name}` of `[package.metadata.docs.rs]` is a list of texts"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(settings: Value) -> Result<Settings, String> {
        Settings::read(&json!({"docs": {"rs": settings}}))
    }

    #[test]
    fn what_is_said_is_passed_on() {
        let settings = read(json!({
            "no-default-features": true, "all-features": false, "features": ["wind", "string"],
            "rustdoc-args": ["--cfg", "docsrs", "--html-in-header=kite.html"]
        }));
        let settings = settings.unwrap();
        assert_eq!(
            settings.cargo,
            ["--features", "wind,string", "--no-default-features"]
        );
        assert_eq!(
            settings.rustdoc,
            ["--cfg", "docsrs", "--html-in-header=kite.html"]
        );
    }

    #[test]
    fn what_is_not_said_is_as_docs_rs_has_it() {
        let settings = Settings::read(&json!(null)).unwrap();
        assert_eq!(settings.cargo, [""; 0]);
        assert_eq!(settings.rustdoc, ["--cfg", "docsrs"]);
    }

    #[test]
    fn what_is_not_known_is_not_passed_over() {
        let refusal = read(json!({"targets": ["wasm32-unknown-unknown"]})).unwrap_err();
        assert!(refusal.contains("`targets`"), "{refusal}");
        assert!(read(json!({"features": [1]})).is_err());
    }
}
