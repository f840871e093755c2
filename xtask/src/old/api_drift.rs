//! `cargo xtask api-drift`: whether the management facade declares what an `OpenAPI` document of the
//! API describes.
//!
//! Operations are compared by name, method, path and query parameters; objects by their members,
//! what of them is required and their types in JSON; closed lists by their values. What differs and is
//! meant to is explained in a list beside the sources.

mod allowed;
mod compare;
mod document;
mod finding;
mod model;
mod ours;
mod report;

use std::fs;
use std::path::Path;

use allowed::Allowed;
use document::Document;
use ours::Ours;

/// The list of what is meant to differ.
const LIST: &str = "crates/blaxel-management/api-drift.txt";

/// Runs the command with its arguments. `Ok` tells whether all differences are explained, `Err` why
/// nothing was compared.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--spec", file] => run(root, Path::new(file)),
        [argument] if argument.starts_with("--spec=") => {
            run(root, Path::new(argument.trim_start_matches("--spec=")))
        }
        _ => Err("`api-drift` is given one document: `--spec FILE`".to_owned()),
    }
}

/// Compares the workspace at this path with a document, and prints how they differ.
pub(crate) fn run(root: &Path, document: &Path) -> Result<bool, String> {
    let document = read(document, Document::parse)?;
    let allowed = read(&root.join(LIST), Allowed::parse)?;
    let ours = Ours::read(root)?;
    let sorted = allowed.sort(compare::compare(&document, &ours));
    print!("{}", report::render(&sorted, LIST));
    Ok(sorted.unexplained.is_empty() && sorted.stale.is_empty())
}

/// Reads a file; the error names it.
fn read<T>(path: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    text.and_then(|text| parse(&text))
        .map_err(|problem| format!("{}: {problem}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::scratch::Scratch;

    /// A workspace of one operation and one type, and a document beside it.
    struct Workspace(Scratch);

    impl Workspace {
        fn new(name: &str, list: &str) -> Self {
            let root = Scratch::new(&format!("drift-{name}")).unwrap();
            for (file, text) in [
                (
                    "crates/blaxel-management/src/lib.rs",
                    "const A: OperationInfo = OperationInfo::new(\"A\", Method::GET, \"/a\");",
                ),
                ("crates/blaxel-core/src/lib.rs", ""),
                (LIST, list),
                (
                    "api.yml",
                    "openapi: 3.0.3\npaths: {/a: {get: {operationId: A}}, /b: {get: {operationId: B}}}",
                ),
            ] {
                let path = root.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }

        fn run(&self) -> Result<bool, String> {
            run(self.0.path(), &self.0.path().join("api.yml"))
        }
    }

    #[test]
    fn all_is_well_only_if_each_difference_is_explained_and_each_explanation_needed() {
        let explained = "operation B missing = \"nobody needs it\"\n";
        assert_eq!(Workspace::new("plain", "").run(), Ok(false));
        assert_eq!(Workspace::new("explained", explained).run(), Ok(true));
        let stale = format!("{explained}operation A extra = \"gone\"\n");
        assert_eq!(Workspace::new("stale", &stale).run(), Ok(false));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let broken = Workspace::new("list", "operation B missing\n")
            .run()
            .unwrap_err();
        assert!(broken.contains("api-drift.txt: line 1: "), "{broken}");
        let workspace = Workspace::new("document", "");
        let missing = run(workspace.0.path(), &workspace.0.path().join("gone.yml")).unwrap_err();
        assert!(missing.contains("gone.yml: "), "{missing}");
        let wrong = run(workspace.0.path(), &workspace.0.path().join(LIST)).unwrap_err();
        assert!(wrong.contains("api-drift.txt: "), "{wrong}");
    }

    #[test]
    fn the_document_is_given_in_either_form_and_nothing_besides() {
        let workspace = Workspace::new("given", "");
        let file = workspace
            .0
            .path()
            .join("api.yml")
            .to_string_lossy()
            .into_owned();
        let given = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            command(workspace.0.path(), &arguments)
        };
        assert_eq!(given(&["--spec", &file]), Ok(false));
        assert_eq!(given(&[&format!("--spec={file}")]), Ok(false));
        for misuse in [&[][..], &["--spec"], &[&file], &["--spec", &file, "--all"]] {
            let refused = given(misuse).unwrap_err();
            assert!(refused.contains("`--spec FILE`"), "{misuse:?}: {refused}");
        }
    }

    #[test]
    fn the_list_of_this_workspace_can_be_read() {
        read(&crate::old::root().join(LIST), Allowed::parse).unwrap();
    }
}
