//! The files that a release changes, as texts: manifests and the lock file, with their comments and
//! their form as they were.

use semver::Version;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// A crate and the version that it gets.
pub(super) type Target<'a> = (&'a str, &'a Version);

/// The manifest of a crate with this version. One that inherits its version gets one of its own.
pub(super) fn manifest(text: &str, version: &Version) -> Result<String, String> {
    let mut document = parse(text)?;
    let package = document.get_mut("package").and_then(Item::as_table_mut);
    let package = package.ok_or("the manifest has no `[package]`")?;
    if package.get("version").is_some_and(Item::is_value) {
        set(package, "version", &version.to_string())?;
    } else {
        own_version(package, version)?;
    }
    Ok(document.to_string())
}

/// Writes a version where `version.workspace = true` stands, with the comments around it.
fn own_version(package: &mut Table, version: &Version) -> Result<(), String> {
    let inherited = package.get_mut("version").and_then(Item::as_table_mut);
    let inherited = inherited.ok_or("the manifest has no `version` in `[package]`")?;
    let above = inherited
        .key("workspace")
        .and_then(|key| key.leaf_decor().prefix().cloned());
    let mut own = Value::from(version.to_string());
    if let Some(old) = inherited.get("workspace").and_then(Item::as_value) {
        *own.decor_mut() = old.decor().clone();
    }
    if let Some(mut key) = package.key_mut("version")
        && let Some(above) = above
    {
        key.leaf_decor_mut().set_prefix(above);
    }
    if let Some(item) = package.get_mut("version") {
        *item = Item::Value(own);
    }
    Ok(())
}

/// The root manifest with requirements that are the crates' new versions.
pub(super) fn root(text: &str, targets: &[Target<'_>]) -> Result<String, String> {
    let mut document = parse(text)?;
    let dependencies = document
        .get_mut("workspace")
        .and_then(|workspace| workspace.get_mut("dependencies"))
        .and_then(Item::as_table_like_mut);
    let Some(dependencies) = dependencies else {
        return Ok(text.to_owned());
    };
    for (name, version) in targets {
        let dependency = dependencies
            .get_mut(name)
            .and_then(Item::as_table_like_mut)
            .filter(|dependency| dependency.contains_key("version"));
        let Some(dependency) = dependency else {
            continue;
        };
        let old = dependency
            .get("version")
            .and_then(Item::as_str)
            .unwrap_or_default();
        // A requirement may be narrower than usual, such as `=0.1.0`.
        let operator: String = old.chars().take_while(|c| "=^~ ".contains(*c)).collect();
        set(dependency, "version", &format!("{operator}{version}"))?;
    }
    Ok(document.to_string())
}

/// The lock file with the crates' new versions.
pub(super) fn lock(text: &str, targets: &[Target<'_>]) -> Result<String, String> {
    let mut document = parse(text)?;
    let packages = document
        .get_mut("package")
        .and_then(Item::as_array_of_tables_mut);
    let packages = packages.ok_or("the lock file has no packages")?;
    // As a dependency is named if several packages have its name.
    let mut renamed: Vec<(String, String)> = Vec::new();
    for package in packages
        .iter_mut()
        .filter(|package| !package.contains_key("source"))
    {
        let name = package
            .get("name")
            .and_then(Item::as_str)
            .unwrap_or_default();
        let Some((name, version)) = targets.iter().find(|target| target.0 == name) else {
            continue;
        };
        let old = package
            .get("version")
            .and_then(Item::as_str)
            .unwrap_or_default();
        renamed.push((format!("{name} {old}"), format!("{name} {version}")));
        set(package, "version", &version.to_string())?;
    }
    for package in packages.iter_mut() {
        let dependencies = package.get_mut("dependencies").and_then(Item::as_array_mut);
        for dependency in dependencies.into_iter().flat_map(|list| list.iter_mut()) {
            let new = renamed
                .iter()
                .find(|(old, _)| Some(old.as_str()) == dependency.as_str());
            if let Some((_, new)) = new {
                replace(dependency, new);
            }
        }
    }
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse()
        .map_err(|error| format!("it cannot be understood: {error}"))
}

fn set(table: &mut dyn TableLike, key: &str, text: &str) -> Result<(), String> {
    let value = table.get_mut(key).and_then(Item::as_value_mut);
    replace(value.ok_or_else(|| format!("`{key}` is no text"))?, text);
    Ok(())
}

/// Puts another text where this value is, with the spaces and comments around it.
fn replace(value: &mut Value, text: &str) {
    let decor = value.decor().clone();
    *value = Value::from(text);
    *value.decor_mut() = decor;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Version = Version::new(0, 2, 0);

    #[test]
    fn only_the_version_of_a_manifest_changes() {
        let text = "# A kite.\n[package]\nname='kite' # flies\n# Ours.\nversion =  \"0.1.0\"  # now\n\
                    license.workspace = true\n\n[dependencies]\nwind = { version = \"0.1.0\" }\n";
        let expected = text.replacen("\"0.1.0\"  #", "\"0.2.0\"  #", 1);
        assert_eq!(manifest(text, &NEW).unwrap(), expected);
    }

    #[test]
    fn an_inherited_version_becomes_an_own_one_where_it_stood() {
        let text = "[package]\nname = \"kite\"\n# Ours.\nversion.workspace = true # now\n\
                    license.workspace = true\n";
        let expected = text.replace("version.workspace = true", "version = \"0.2.0\"");
        assert_eq!(manifest(text, &NEW).unwrap(), expected);
        assert!(manifest("[package]\nname = \"kite\"\n", &NEW).is_err());
    }

    #[test]
    fn requirements_follow_and_stay_as_narrow_as_they_were() {
        let text = "[workspace.dependencies]\n# First.\nkite = { path = \"kite\", version = \"0.1.0\" } # k\n\
                    line = { path = \"line\", version = \"=0.1.0\", default-features = false }\n\
                    other = { path = \"other\", version = \"0.1.0\" }\nwind = \"0.1.0\"\n";
        let expected = text.replacen("0.1.0", "0.2.0", 2);
        let targets = [("kite", &NEW), ("line", &NEW), ("boat", &NEW)];
        assert_eq!(root(text, &targets).unwrap(), expected);
    }

    #[test]
    fn the_lock_file_changes_where_the_crate_is_meant() {
        let text = "# Made by cargo.\nversion = 4\n\n[[package]]\nname = \"kite\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"kite\"\nversion = \"0.0.1\"\nsource = \"registry\"\n\n\
                    [[package]]\nname = \"user\"\nversion = \"0.1.0\"\ndependencies = [\n \
                    \"kite 0.1.0\",\n \"kite 0.0.1\",\n]\n";
        let expected = text
            .replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1)
            .replace("kite 0.1.0", "kite 0.2.0");
        assert_eq!(lock(text, &[("kite", &NEW)]).unwrap(), expected);
    }

    #[test]
    fn this_workspace_comes_through_unharmed() {
        let read = |path: &str| std::fs::read_to_string(crate::old::root().join(path)).unwrap();
        let far = Version::new(9999, 0, 0);
        let targets = [("blaxel-core", &far)];
        let changed = |before: &str, after: &str| {
            let pairs = before.lines().zip(after.lines());
            pairs.filter(|(before, after)| before != after).count()
        };
        let before = read("Cargo.toml");
        assert_eq!(changed(&before, &root(&before, &targets).unwrap()), 1);
        let before = read("Cargo.lock");
        assert_eq!(changed(&before, &lock(&before, &targets).unwrap()), 1);
    }
}
