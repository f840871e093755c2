use serde_json::json;

use super::*;

#[track_caller]
fn documents(text: &str) -> Vec<Value> {
    let reader = ManifestReader::new()
        .variable("MEMORY", "4096")
        .variable("NAME", "bot");
    let manifests = reader.parse(text).unwrap();
    manifests
        .iter()
        .map(|manifest| manifest.document().clone())
        .collect()
}

#[test]
fn values_have_the_types_of_yaml_and_members_without_a_type_are_kept() {
    let text = r#"
# A comment.
apiVersion: blaxel.ai/v1alpha1
kind: Agent
metadata: {name: "$NAME", labels: {version: "1", 8080: port}}
spec:
  enabled: true
  later: [1, -2, 1.5, 18446744073709551615, ~, null, no, "null", 0x10]
  runtime:
    memory: $MEMORY
    text: "${MEMORY}"
    image: >-
      team/
      image
    envs:
    - &env {name: A, value: 'b$c'}
    - {<<: *env, name: B}
...
---
---
kind: Model
metadata: {name: m}
"#;
    let expected = [
        json!({"metadata": {"name": "m"}}),
        json!({
            "metadata": {"name": "bot", "labels": {"version": "1", "8080": "port"}},
            "spec": {
                "enabled": true,
                "later": [1, -2, 1.5, 18_446_744_073_709_551_615_u64, null, null, "no", "null", 16],
                "runtime": {
                    "memory": 4096,
                    "text": "4096",
                    "image": "team/ image",
                    "envs": [{"name": "A", "value": "b$c"}, {"name": "B", "value": "b$c"}],
                },
            },
        }),
    ];
    assert_eq!(documents(text), expected);
    assert!(documents("").is_empty() && documents("# nothing\n").is_empty());
}

#[test]
fn a_document_that_is_no_manifest_is_an_error_with_its_line() {
    let deep = "- ".repeat(100_000);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &('b'..'z')
            .zip('a'..'y')
            .map(|(name, of)| {
                format!(
                    "{name}: &{name} [{}]\n",
                    vec![format!("*{of}"); 10].join(",")
                )
            })
            .collect::<String>();
    for (text, parts) in [
        (
            "kind: Agent\nmetadata: {name: a",
            ["line", "not valid YAML"],
        ),
        ("kind: Agent\nkind: Agent\n", ["line 2", "not valid YAML"]),
        (
            "{kind: Agent, metadata: {name: a, \"name\": b}}",
            ["line 1", "`name` occurs twice"],
        ),
        (
            "{kind: Agent, metadata: {name: a, labels: {1: a, '1': b}}}",
            ["line 1", "`1` occurs twice"],
        ),
        (
            "---\nkind: Agent\nmetadata: {name: a}\n---\n- 1\n",
            ["line", "not a mapping"],
        ),
        ("metadata: {name: a}", ["line 1", "no `kind`"]),
        (
            "{kind: Kite, metadata: {name: a}}",
            ["line 1", "`Kite` is none of Policy, "],
        ),
        (
            "{kind: Agent, metadata: {name: 1}}",
            ["line 1", "metadata.name"],
        ),
        ("{kind: Agent}", ["line 1", "metadata.name"]),
        (
            "{kind: Preview, metadata: {name: p}}",
            ["line 1", "metadata.resourceName"],
        ),
        (
            "{kind: Agent, metadata: {name: ${secrets.KEY}}}",
            ["line", ""],
        ),
        (
            "{kind: Agent, metadata: {name: \"${secrets.KEY}\"}}",
            ["line 1", "`KEY`, which is not set"],
        ),
        (
            "{kind: Agent, metadata: {name: a}, x: .nan}",
            ["line 1", "not finite"],
        ),
        (
            "{kind: Agent, metadata: {name: a}, <<: 1}",
            ["line 1", "`<<`"],
        ),
        (
            "{kind: Agent, metadata: {name: a}, [1]: 2}",
            ["line 1", "not a text"],
        ),
        (&deep, ["line 1", "64 levels"]),
        (&bomb, ["line", "not valid YAML"]),
    ] {
        let error = Manifests::parse(text).unwrap_err();
        let shown = error.to_string();
        assert!(error.is_input(), "{shown}");
        assert!(parts.iter().all(|part| shown.contains(part)), "{shown}");
    }
}

#[test]
fn what_a_resource_refers_to_comes_before_it() {
    let kinds = ManifestKind::from("").__values();
    let texts: Vec<String> = kinds
        .iter()
        .rev()
        .map(|kind| {
            let metadata = "{name: n, resourceName: s, previewName: p}";
            format!("{{kind: {kind}, metadata: {metadata}}}")
        })
        .collect();
    let manifests = Manifests::parse(&texts.join("\n---\n")).unwrap();
    assert_eq!(manifests.len(), kinds.len());
    let order: Vec<&str> = manifests
        .iter()
        .map(|manifest| manifest.kind().as_str())
        .collect();
    let place = |kind: &str| order.iter().position(|other| *other == kind).unwrap();
    for (first, second) in [
        ("Policy", "Model"),
        ("IntegrationConnection", "Model"),
        ("VolumeTemplate", "Volume"),
        ("Volume", "Sandbox"),
        ("Drive", "Agent"),
        ("Model", "Agent"),
        ("Function", "Agent"),
        ("Sandbox", "Preview"),
        ("Preview", "PreviewToken"),
    ] {
        assert!(place(first) < place(second), "{first} {second}: {order:?}");
    }
}

#[test]
fn directories_are_read_by_name_and_deeper_ones_only_if_asked_for() {
    let root = std::env::temp_dir().join(format!("blaxel-manifests-{}", std::process::id()));
    let below = root.join("c/d");
    std::fs::create_dir_all(&below).unwrap();
    let write = |path: PathBuf, name: &str| {
        std::fs::write(path, format!("{{kind: Agent, metadata: {{name: {name}}}}}")).unwrap();
    };
    write(root.join("b.yaml"), "two");
    write(root.join("a.YML"), "one");
    write(below.join("e.yml"), "three");
    std::fs::write(root.join("README.md"), "{").unwrap();
    let names = |manifests: Manifests| -> Vec<String> {
        manifests
            .iter()
            .map(|manifest| manifest.name().to_owned())
            .collect()
    };
    assert_eq!(names(Manifests::read(&root).unwrap()), ["one", "two"]);
    let recursive = ManifestReader::new().recursive(true);
    let all = recursive.read(&root).unwrap();
    assert_eq!(
        all.iter().last().unwrap().path(),
        Some(&*below.join("e.yml"))
    );
    assert_eq!(names(all), ["one", "two", "three"]);
    assert_eq!(names(recursive.read(root.join("b.yaml")).unwrap()), ["two"]);

    std::fs::write(below.join("f.yaml"), "kind: Agent\n\nmetadata: canary").unwrap();
    let error = recursive.read(&root).unwrap_err().to_string();
    assert!(
        error.contains("f.yaml") && error.contains("line 1"),
        "{error}"
    );
    assert!(!error.contains("canary"), "{error}");
    let large = "#".repeat(4 * 1024 * 1024 + 1);
    std::fs::write(below.join("f.yaml"), large).unwrap();
    assert!(
        recursive
            .read(&root)
            .unwrap_err()
            .to_string()
            .contains("4 MiB")
    );
    std::fs::remove_dir_all(&root).unwrap();
    assert!(Manifests::read(&root).unwrap_err().is_input());
}

#[cfg(unix)]
#[test]
fn links_to_files_are_read_and_what_has_no_contents_is_not() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let root = std::env::temp_dir().join(format!("blaxel-links-{}", std::process::id()));
    let (files, other) = (root.join("files"), root.join("other"));
    for directory in [&files, &other] {
        std::fs::create_dir_all(directory).unwrap();
    }
    std::fs::write(other.join("a"), "{kind: Agent, metadata: {name: a}}").unwrap();
    symlink(other.join("a"), files.join("a.yaml")).unwrap();
    symlink(&other, files.join("directory.yaml")).unwrap();
    let _socket = UnixListener::bind(files.join("socket.yaml")).unwrap();
    assert_eq!(Manifests::read(&files).unwrap().len(), 1);

    symlink(root.join("none"), files.join("dangling.yaml")).unwrap();
    let error = Manifests::read(&files).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("dangling.yaml"),
        "{error}"
    );
    std::fs::remove_dir_all(root).unwrap();
}

#[test]
fn many_documents_tags_and_byte_order_marks_are_read() {
    let text = "---\n{kind: Agent, metadata: {name: a}}\n---\n".repeat(10_000);
    assert_eq!(Manifests::parse(&text).unwrap().len(), 10_000);
    let text = "\u{feff}kind: !!str Agent\nmetadata: !own {name: !!str 1}\nspec: {x: !!int 7}";
    assert_eq!(
        documents(text),
        [json!({"metadata": {"name": "1"}, "spec": {"x": 7}})]
    );
    let error = Manifests::parse("{kind: Agent, metadata: {name: a}, x: !!int canary}");
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("line 1") && !error.contains("canary"),
        "{error}"
    );
}

#[cfg(feature = "project-file")]
#[test]
fn a_project_file_is_a_manifest_that_can_be_decoded() {
    let root = std::env::temp_dir().join(format!("blaxel-project-{}", std::process::id()));
    let directory = root.join("my-bot");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("blaxel.toml");
    std::fs::write(&path, "type = 'volume-template'\ndefaultSize = 10\n").unwrap();
    let manifest = ManifestReader::new().read_project(&path).unwrap();
    assert_eq!(
        (manifest.kind(), manifest.name()),
        (&ManifestKind::VolumeTemplate, "my-bot")
    );
    assert_eq!(manifest.path(), Some(&*path));
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sized {
        spec: Value,
    }
    assert_eq!(
        manifest.decode::<Sized>().unwrap().spec,
        json!({"defaultSize": 10})
    );
    let error = manifest.decode::<Vec<Value>>().unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("blaxel.toml"),
        "{error}"
    );
    std::fs::write(&path, "name = 'a'\nkey = canary").unwrap();
    let error = ManifestReader::new()
        .read_project(&path)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("blaxel.toml") && error.contains("line 2"),
        "{error}"
    );
    assert!(!error.contains("canary"), "{error}");
    std::fs::remove_dir_all(root).unwrap();
}

#[test]
fn debug_output_has_no_values() {
    let reader = ManifestReader::new().variable("KEY", "canary");
    let text = "{kind: Agent, metadata: {name: bot}, spec: {key: $KEY}}";
    let manifests = reader.parse(text).unwrap();
    let shown = format!("{reader:?} {manifests:?}");
    assert!(shown.contains("KEY") && shown.contains("bot"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
