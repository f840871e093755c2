//! What a package gets from the root manifest, and whether that has changed.
//!
//! A package holds its manifest with all that it inherits written out. So another requirement in the
//! root manifest is a change of each package that inherits it, though none of its files is touched.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item, TableLike};

/// The names of what the package inherits and what is not as it was in the root manifest: fields of
/// `[package]`, and dependencies other than its `siblings`, whose versions are a matter of the plan.
pub(super) fn changed(
    manifest: &str,
    root_before: &str,
    root_now: &str,
    siblings: &[&str],
) -> Result<Vec<String>, String> {
    let parse = |text: &str| {
        text.parse::<DocumentMut>()
            .map_err(|error| format!("a manifest cannot be understood: {error}"))
    };
    let (manifest, before, now) = (parse(manifest)?, parse(root_before)?, parse(root_now)?);
    let differs = |table: &str, name: &str| {
        let of = |root: &DocumentMut| {
            let item = root.get("workspace")?.get(table)?.get(name)?;
            Some(plain(item))
        };
        of(&before) != of(&now)
    };
    let fields = inheriting(manifest.get("package"));
    let fields = fields.filter(|field| *field != "version" && differs("package", field));
    let mut names: BTreeSet<&str> = fields.collect();
    for table in dependencies(&manifest) {
        let dependencies = inheriting(Some(table));
        names.extend(
            dependencies.filter(|name| !siblings.contains(name) && differs("dependencies", name)),
        );
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The tables of the dependencies that users compile as well.
fn dependencies(manifest: &DocumentMut) -> Vec<&Item> {
    let targets = manifest.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(|targets| targets.iter());
    let mut places: Vec<&dyn TableLike> = vec![manifest.as_table()];
    places.extend(targets.filter_map(|(_, target)| target.as_table_like()));
    let tables = places.into_iter().flat_map(|place| {
        ["dependencies", "build-dependencies"]
            .into_iter()
            .filter_map(|name| place.get(name))
    });
    tables.collect()
}

/// The names in a table that say `workspace = true`.
fn inheriting(table: Option<&Item>) -> impl Iterator<Item = &str> {
    let table = table.and_then(Item::as_table_like);
    let entries = table.into_iter().flat_map(|table| table.iter());
    entries.filter_map(|(name, item)| {
        let workspace = item.as_table_like()?.get("workspace")?;
        (workspace.as_bool() == Some(true)).then_some(name)
    })
}

/// The value without how it is written: spaces, comments, and the order of keys.
fn plain(item: &Item) -> String {
    if let Some(table) = item.as_table_like() {
        let entries = table
            .iter()
            .map(|(key, item)| format!("{key}={}", plain(item)));
        let entries: BTreeSet<String> = entries.collect();
        return format!("{entries:?}");
    }
    if let Some(array) = item.as_array() {
        let values = array.iter().map(|value| plain(&Item::Value(value.clone())));
        return format!("{:?}", values.collect::<Vec<_>>());
    }
    match item.as_str() {
        Some(text) => format!("{text:?}"),
        None => item.to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "kite"
version.workspace = true
license.workspace = true

[dependencies]
line.workspace = true
wind = { workspace = true, features = ["strong"] }
own = "1"

[dev-dependencies]
fan.workspace = true

[target.'cfg(unix)'.dependencies]
rope.workspace = true
"#;

    const ROOT: &str = r#"
[workspace.package]
version = "0.1.0"
license = "MIT"

[workspace.dependencies]
fan = "1"
line = { path = "line", version = "0.1.0" }
own = "1"
rope = "1"
wind = { version = "1.0", features = ["a", "b"] }
"#;

    fn after(old: &str, new: &str) -> Vec<String> {
        assert!(ROOT.contains(old));
        changed(MANIFEST, ROOT, &ROOT.replace(old, new), &["line"]).unwrap()
    }

    #[test]
    fn another_requirement_is_a_change_wherever_users_compile_it() {
        assert_eq!(after("\"1.0\"", "\"1.1\""), ["wind"]);
        assert_eq!(after("rope = \"1\"", "rope = \"2\""), ["rope"]);
        assert_eq!(after("\"MIT\"", "\"ISC\""), ["license"]);
        assert_eq!(after("[\"a\", \"b\"]", "[\"a\"]"), ["wind"]);
    }

    #[test]
    fn what_users_do_not_see_is_none() {
        assert!(after("own = \"1\"", "own = \"2\"").is_empty());
        assert!(after("fan = \"1\"", "fan = \"2\"").is_empty());
        // Versions of siblings, and the one that nothing published has any more, follow the plan.
        assert!(after("line\", version = \"0.1.0\"", "line\", version = \"0.2.0\"").is_empty());
        assert!(
            after(
                "version = \"0.1.0\"\nlicense",
                "version = \"0.2.0\"\nlicense"
            )
            .is_empty()
        );
    }

    #[test]
    fn how_it_is_written_is_no_change() {
        let other = "wind = { features = [ \"a\",\"b\" ], version = '1.0' } # blows";
        assert!(
            after(
                "wind = { version = \"1.0\", features = [\"a\", \"b\"] }",
                other
            )
            .is_empty()
        );
    }
}
