//! Promise: a crate depends on the packages that its layer allows, and on no others.
//!
//! A program that uses only `blaxel-billing` compiles no HTTP client, no TLS and no runtime, and
//! the emulator does not depend on the code that is tested against it. The allowed dependencies of
//! each crate are listed once, in [`RULES`]; a new crate needs a rule there before these tests
//! pass.
//!
//! Two sources are used. `cargo metadata` lists the dependencies that the manifests declare, for
//! all platforms. `cargo tree --package` lists the packages that are built for one crate alone,
//! which the resolve graph of `cargo metadata` does not: there, a feature that one crate enables is
//! enabled for all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, TargetKind};

/// The dependencies that one crate is allowed.
struct Rule {
    krate: &'static str,
    /// The crates of the workspace that it may depend on.
    uses: &'static [&'static str],
    /// The crates of the workspace that only its tests may depend on.
    tests_use: &'static [&'static str],
    /// Packages that must not be in its tree with any features.
    never: &'static [&'static [&'static str]],
    /// Packages that may be in its tree only with a feature that is not on by default.
    only_with_feature: &'static [&'static [&'static str]],
    /// Packages that must not be in its tree without the default features.
    never_without_defaults: &'static [&'static [&'static str]],
    /// The packages whose procedural macros it may use; `None` for any.
    macros: Option<&'static [&'static str]>,
    /// Packages whose procedural macros it may use only with a feature that is not on by default.
    macros_with_feature: &'static [&'static str],
}

const TLS: &[&str] = &[
    "rustls",
    "ring",
    "aws-lc-rs",
    "native-tls",
    "openssl-sys",
    "hyper-rustls",
    "tokio-rustls",
];
const OTHER_TLS: &[&str] = &["native-tls", "openssl-sys"];
const HTTP_CLIENT: &[&str] = &["hyper", "hyper-util", "reqwest", "h2"];
const OTHER_CLIENT: &[&str] = &["reqwest"];
const RUNTIME: &[&str] = &["tokio", "async-std", "smol"];
const OAUTH: &[&str] = &["oauth2", "chrono", "url"];
const OAUTH_BUT_CLOCK: &[&str] = &["oauth2", "url"];
const CLOCK: &[&str] = &["chrono"];
const WEBSOCKET: &[&str] = &["tungstenite", "rand"];
/// The texts of streams.
const STREAMS: &[&str] = &["bytestring"];
const BOXING: &[&str] = &["async-trait"];
const CORE: &[&str] = &["blaxel-core"];
const LOWER: &[&str] = &["blaxel-auth", "blaxel-transport"];
const FACADES: &[&str] = &[
    "blaxel-management",
    "blaxel-inference",
    "blaxel-billing",
    "blaxel-sandbox",
];
const TRANSPORT: &[&str] = &["blaxel-transport"];
const SDK: &[&str] = &[
    "blaxel-core",
    "blaxel-auth",
    "blaxel-transport",
    "blaxel-management",
    "blaxel-inference",
    "blaxel-billing",
    "blaxel-sandbox",
];
const ALL: &[&str] = &[
    "blaxel",
    "blaxel-core",
    "blaxel-auth",
    "blaxel-transport",
    "blaxel-management",
    "blaxel-inference",
    "blaxel-billing",
    "blaxel-sandbox",
    "blaxel-guest",
    "blaxel-emulator",
];
const EMULATOR: &[&str] = &["blaxel-emulator"];
/// The servers that tests of the facades call.
const SERVERS: &[&str] = &["blaxel-guest", "blaxel-emulator"];
const DERIVE: &[&str] = &["serde_derive"];
/// The macros of the time crates that timestamps convert to.
const CONVERSIONS: &[&str] = &["jiff-static"];

/// Returns the rule of a crate that may not depend on any crate of the workspace.
const fn alone(krate: &'static str) -> Rule {
    Rule {
        krate,
        uses: &[],
        tests_use: &[],
        never: &[],
        only_with_feature: &[],
        never_without_defaults: &[],
        macros: None,
        macros_with_feature: &[],
    }
}

const fn facade(krate: &'static str) -> Rule {
    Rule {
        uses: CORE,
        tests_use: SERVERS,
        never: &[HTTP_CLIENT, TLS, OAUTH_BUT_CLOCK, BOXING, LOWER, SERVERS],
        // Behind features, a facade may use tokio's timer and convert timestamps.
        only_with_feature: &[RUNTIME, CLOCK],
        macros: Some(DERIVE),
        macros_with_feature: CONVERSIONS,
        ..alone(krate)
    }
}

const RULES: &[Rule] = &[
    Rule {
        never: &[HTTP_CLIENT, TLS, OAUTH_BUT_CLOCK, BOXING],
        // Behind features, timestamps convert to those of other crates, streams share text, upgraded connections have
        // tokio's I/O traits, and WebSockets its timers.
        only_with_feature: &[RUNTIME, CLOCK, STREAMS, WEBSOCKET],
        macros: Some(DERIVE),
        macros_with_feature: &["jiff-static", "thiserror-impl"],
        ..alone("blaxel-core")
    },
    Rule {
        uses: CORE,
        never: &[HTTP_CLIENT, TLS, BOXING, TRANSPORT, FACADES, SERVERS],
        // A user with an API key does not compile OAuth 2.0.
        never_without_defaults: &[OAUTH],
        ..alone("blaxel-auth")
    },
    Rule {
        uses: &["blaxel-core", "blaxel-auth"],
        never: &[OTHER_CLIENT, OTHER_TLS, BOXING, FACADES, SERVERS],
        never_without_defaults: &[OAUTH],
        ..alone("blaxel-transport")
    },
    Rule {
        // The reader of YAML documents, behind a feature.
        macros_with_feature: &["jiff-static", "thiserror-impl"],
        ..facade("blaxel-management")
    },
    Rule {
        // `rmcp`, the official SDK of MCP, has time limits in the types of a clock that OAuth uses
        // too, and uses macros. Without the MCP feature none of that is compiled.
        never: &[HTTP_CLIENT, TLS, OAUTH_BUT_CLOCK, BOXING, LOWER, SERVERS],
        only_with_feature: &[RUNTIME, CLOCK, WEBSOCKET],
        macros_with_feature: &[
            "futures-macro",
            "jiff-static",
            "thiserror-impl",
            "tokio-macros",
            "tracing-attributes",
            // Its clock on other platforms.
            "rustversion",
            "wasm-bindgen-macro",
            "windows-implement",
            "windows-interface",
        ],
        ..facade("blaxel-inference")
    },
    facade("blaxel-billing"),
    Rule {
        // Creating a sandbox and running a command in it is one thought.
        uses: &["blaxel-core", "blaxel-management"],
        // Commands are followed to their end with tokio's timers, which is what most people want.
        only_with_feature: &[CLOCK, WEBSOCKET],
        never_without_defaults: &[RUNTIME],
        macros_with_feature: &["jiff-static", "thiserror-impl"],
        ..facade("blaxel-sandbox")
    },
    Rule {
        uses: SDK,
        tests_use: SERVERS,
        never: &[OTHER_CLIENT, OTHER_TLS, BOXING, SERVERS],
        never_without_defaults: &[OAUTH, FACADES],
        ..alone("blaxel")
    },
    Rule {
        uses: CORE,
        // It is the server that the facades are tested against. `async-trait` is a dependency of
        // `rmcp`, which serves MCP.
        never: &[OTHER_CLIENT, TLS, LOWER, FACADES, EMULATOR],
        ..alone("blaxel-guest")
    },
    Rule {
        uses: &["blaxel-core", "blaxel-guest"],
        // An emulator that shared our code would share its mistakes. `async-trait` is a dependency
        // of `rmcp`, which serves MCP.
        never: &[OTHER_CLIENT, OTHER_TLS, LOWER, FACADES],
        never_without_defaults: &[TLS],
        ..alone("blaxel-emulator")
    },
    Rule {
        // Its library holds the helpers of its tests.
        uses: &["blaxel-core", "blaxel-transport"],
        tests_use: ALL,
        ..alone("blaxel-tests")
    },
    Rule {
        // It inspects the manifests of the other crates, and depends on none of them.
        never: &[HTTP_CLIENT, TLS, OAUTH, RUNTIME, BOXING],
        macros: Some(&[
            "clap_derive",
            "serde_derive",
            "thiserror-impl",
            "xshell-macros",
        ]),
        ..alone("xtask")
    },
];

#[test]
fn every_crate_has_a_rule_and_every_rule_a_crate() {
    let crates = member_names();
    let ruled: BTreeSet<&str> = RULES.iter().map(|rule| rule.krate).collect();
    assert_eq!(
        crates, ruled,
        "the crates of the workspace (left) and those in RULES (right)"
    );
}

#[test]
fn crates_use_only_the_layers_below_them() {
    assert_none(
        RULES
            .iter()
            .flat_map(|rule| rule.violations_in_manifest(&declared(rule.krate))),
    );
}

#[test]
fn no_tree_contains_packages_its_layer_forbids() {
    let choices = [Features::None, Features::Default, Features::All];
    assert_none(RULES.iter().flat_map(|rule| {
        choices
            .into_iter()
            .flat_map(|features| rule.violations_in_tree(features, &tree(rule.krate, features)))
    }));
}

#[test]
fn billing_alone_builds_no_http_client_no_tls_and_no_runtime() {
    let tree = tree("blaxel-billing", Features::Default);
    assert!(
        contains(&tree, "blaxel-core") && contains(&tree, "http"),
        "{tree:?}"
    );
    for package in ["hyper", "rustls", "tokio"] {
        assert!(!contains(&tree, package), "blaxel-billing builds {package}");
    }
}

/// Of tokio, core uses the I/O traits: neither its runtime nor its sockets.
#[test]
fn an_upgrade_in_core_builds_tokio_without_features() {
    let with = tree("blaxel-core", Features::Only("upgrade"));
    let without = tree("blaxel-core", Features::None);
    let added: Vec<_> = with
        .iter()
        .filter(|package| !contains(&without, &package.name))
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(added, ["tokio"]);
}

#[test]
fn blaxel_builds_only_the_facades_of_its_features() {
    let tree = tree("blaxel", Features::Only("billing"));
    assert!(contains(&tree, "blaxel-billing"), "{tree:?}");
    for package in ["blaxel-management", "blaxel-inference", "oauth2"] {
        assert!(
            !contains(&tree, package),
            "blaxel with the feature `billing` alone builds {package}"
        );
    }
}

#[test]
fn no_crate_has_a_build_script() {
    for package in workspace().metadata.workspace_packages() {
        let has_script = package
            .targets
            .iter()
            .any(|target| target.is_kind(TargetKind::CustomBuild));
        assert!(!has_script, "{} has a build script", package.name);
    }
}

/// Every contributor compiles xtask before anything else. Half of its packages belong to clap,
/// cargo_metadata and toml_edit, which replace thousands of lines.
#[test]
fn xtask_builds_few_packages() {
    let packages = tree("xtask", Features::All).len();
    assert!(packages <= 54, "xtask is compiled from {packages} packages");
}

#[test]
fn no_dependency_needs_a_newer_rust_version() {
    let metadata = &workspace().metadata;
    for published in metadata.workspace_packages() {
        if published.publish.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        let ours = published
            .rust_version
            .as_ref()
            .expect("a published crate has a rust-version");
        for Package { name, version, .. } in tree(&published.name, Features::All) {
            let package = metadata
                .packages
                .iter()
                .find(|package| package.name == name && package.version.to_string() == version)
                .unwrap_or_else(|| panic!("cargo metadata does not know {name} {version}"));
            if let Some(theirs) = &package.rust_version {
                let krate = &published.name;
                assert!(
                    theirs <= ours,
                    "{krate}: {name} {version} needs Rust {theirs}"
                );
            }
        }
    }
}

/// Tests of the checks themselves, on a crate that keeps its rule and on one that breaks it.
mod checker {
    use super::*;

    const FACADE: Rule = facade("blaxel-kite");

    fn uses(name: &str) -> Declared {
        Declared {
            name: name.into(),
            by_tests: false,
        }
    }

    fn tests_use(name: &str) -> Declared {
        Declared {
            name: name.into(),
            by_tests: true,
        }
    }

    #[test]
    fn a_manifest_that_keeps_the_rule_passes() {
        let declared = [
            uses("blaxel-core"),
            tests_use("blaxel-core"),
            tests_use("blaxel-emulator"),
        ];
        assert_eq!(FACADE.violations_in_manifest(&declared), [""; 0]);
    }

    #[test]
    fn a_sibling_facade_and_a_non_test_emulator_dependency_are_reported() {
        let declared = [
            uses("blaxel-core"),
            uses("blaxel-billing"),
            uses("blaxel-emulator"),
        ];
        assert_eq!(
            FACADE.violations_in_manifest(&declared),
            [
                "blaxel-kite must not depend on blaxel-billing",
                "blaxel-kite must not depend on blaxel-emulator",
            ]
        );
        assert_eq!(
            FACADE.violations_in_manifest(&[tests_use("blaxel-transport")]),
            ["the tests of blaxel-kite must not depend on blaxel-transport"]
        );
    }

    #[test]
    fn a_tree_that_keeps_the_rule_passes() {
        let tree = parse(
            "blaxel-kite v0.1.0 (/kite)\nserde v1.0.0\nserde_derive v1.0.0 (proc-macro) (*)\n",
        );
        assert_eq!(FACADE.violations_in_tree(Features::Default, &tree), [""; 0]);
    }

    #[test]
    fn a_transitive_package_is_reported() {
        let tree = parse("blaxel-kite v0.1.0 (/kite)\nstring v1.0.0\nhyper v1.6.0\n");
        assert_eq!(
            FACADE.violations_in_tree(Features::All, &tree),
            ["blaxel-kite with all features builds hyper"]
        );
    }

    #[test]
    fn a_runtime_is_reported_unless_a_feature_enables_it() {
        let tree = parse("blaxel-kite v0.1.0 (/kite)\ntokio v1.43.0\n");
        assert_eq!(
            FACADE.violations_in_tree(Features::Default, &tree),
            ["blaxel-kite with default features builds tokio"]
        );
        assert_eq!(FACADE.violations_in_tree(Features::All, &tree), [""; 0]);
    }

    #[test]
    fn an_optional_package_is_reported_without_its_feature() {
        let auth = RULES
            .iter()
            .find(|rule| rule.krate == "blaxel-auth")
            .unwrap();
        let tree = parse("blaxel-auth v0.1.0 (/auth)\noauth2 v5.0.0\n");
        assert_eq!(auth.violations_in_tree(Features::Default, &tree), [""; 0]);
        assert_eq!(
            auth.violations_in_tree(Features::None, &tree),
            ["blaxel-auth with no features builds oauth2"]
        );
    }

    #[test]
    fn a_procedural_macro_is_reported() {
        let tree = parse("blaxel-kite v0.1.0 (/kite)\nstring-macros v1.0.0 (proc-macro)\n");
        assert_eq!(
            FACADE.violations_in_tree(Features::Default, &tree),
            ["blaxel-kite with default features runs the macros of string-macros"]
        );
    }

    #[test]
    fn trees_contain_the_expected_packages() {
        // If the tree of the transport lacked its own HTTP client, no check of a tree would find
        // anything.
        let transport = tree("blaxel-transport", Features::Default);
        for package in [
            "blaxel-transport",
            "blaxel-core",
            "blaxel-auth",
            "hyper",
            "rustls",
        ] {
            assert!(
                contains(&transport, package),
                "{package} is missing in {transport:?}"
            );
        }
        assert!(
            !FACADE
                .violations_in_tree(Features::Default, &transport)
                .is_empty()
        );
    }
}

impl Rule {
    /// Returns the dependencies on crates of the workspace that the rule does not allow.
    fn violations_in_manifest(&self, declared: &[Declared]) -> Vec<String> {
        let allowed = |dependency: &&Declared| {
            let name = dependency.name.as_str();
            self.uses.contains(&name) || (dependency.by_tests && self.tests_use.contains(&name))
        };
        let refused = declared.iter().filter(|dependency| !allowed(dependency));
        refused
            .map(|Declared { name, by_tests }| {
                let who = if *by_tests { "the tests of " } else { "" };
                format!("{who}{} must not depend on {name}", self.krate)
            })
            .collect()
    }

    /// Returns the packages in the tree, built with these features, that the rule does not allow.
    fn violations_in_tree(&self, features: Features, tree: &[Package]) -> Vec<String> {
        let mut refused = self.never.to_vec();
        if !matches!(features, Features::All) {
            refused.extend(self.only_with_feature);
        }
        if matches!(features, Features::None) {
            refused.extend(self.never_without_defaults);
        }
        let who = format!("{} with {features}", self.krate);
        let mut violations = Vec::new();
        for package in tree {
            let name = package.name.as_str();
            if refused.iter().any(|names| names.contains(&name)) {
                violations.push(format!("{who} builds {name}"));
            }
            let is_enabled =
                matches!(features, Features::All) && self.macros_with_feature.contains(&name);
            let is_refused = self.macros.is_some_and(|macros| !macros.contains(&name));
            if package.is_macro && is_refused && !is_enabled {
                violations.push(format!("{who} runs the macros of {name}"));
            }
        }
        violations
    }
}

/// A dependency on another crate of the workspace, as a manifest declares it.
struct Declared {
    name: String,
    by_tests: bool,
}

/// A package that is built.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    is_macro: bool,
}

#[derive(Clone, Copy)]
enum Features {
    None,
    Default,
    All,
    Only(&'static str),
}

impl std::fmt::Display for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("no features"),
            Self::Default => f.write_str("default features"),
            Self::All => f.write_str("all features"),
            Self::Only(feature) => write!(f, "the feature `{feature}` alone"),
        }
    }
}

struct Workspace {
    metadata: Metadata,
    /// The `--target` of `cargo tree`: all platforms if their packages are available on this
    /// machine; otherwise, as without a network, only this platform.
    target: &'static str,
}

fn workspace() -> &'static Workspace {
    static WORKSPACE: OnceLock<Workspace> = OnceLock::new();
    WORKSPACE.get_or_init(|| {
        let metadata = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            let mut command = MetadataCommand::new();
            command.current_dir(root()).other_options(options).exec()
        };
        if let Ok(metadata) = metadata(&["--locked", "--all-features"]) {
            return Workspace {
                metadata,
                target: "all",
            };
        }
        eprintln!("the packages of other platforms are not at hand: checking this platform alone");
        let version = run("rustc", &["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.expect("rustc names its host").to_owned();
        let metadata = metadata(&["--locked", "--all-features", "--filter-platform", &host])
            .expect("cargo metadata describes the workspace");
        Workspace {
            metadata,
            target: host.leak(),
        }
    })
}

fn member_names() -> BTreeSet<&'static str> {
    let members = workspace().metadata.workspace_packages();
    members
        .into_iter()
        .map(|package| package.name.as_str())
        .collect()
}

/// Returns the crates of the workspace that a crate's manifest depends on.
fn declared(krate: &str) -> Vec<Declared> {
    let members = member_names();
    let packages = workspace().metadata.workspace_packages();
    let package = packages.into_iter().find(|package| package.name == krate);
    let dependencies = package
        .map(|package| package.dependencies.as_slice())
        .unwrap_or_default();
    dependencies
        .iter()
        .filter(|dependency| members.contains(dependency.name.as_str()))
        .map(|dependency| Declared {
            name: dependency.name.clone(),
            by_tests: dependency.kind == DependencyKind::Development,
        })
        .collect()
}

/// Returns the packages that are built for one crate alone, including itself and build scripts,
/// without dev-dependencies.
fn tree(krate: &str, features: Features) -> Vec<Package> {
    let mut arguments = vec![
        "tree",
        "--package",
        krate,
        "--locked",
        "--target",
        workspace().target,
    ];
    arguments.extend([
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    match features {
        Features::None => arguments.push("--no-default-features"),
        Features::Default => {}
        Features::All => arguments.push("--all-features"),
        Features::Only(feature) => {
            arguments.extend(["--no-default-features", "--features", feature]);
        }
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let packages = parse(&run(&cargo, &arguments));
    assert!(
        contains(&packages, krate),
        "cargo {} does not name {krate}",
        arguments.join(" ")
    );
    packages
}

/// Parses lines such as `serde_derive v1.0.219 (proc-macro)`. A package that was listed before is
/// repeated with a trailing ` (*)`.
fn parse(lines: &str) -> Vec<Package> {
    let packages: BTreeSet<Package> = lines
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next().filter(|name| !name.is_empty())?.to_owned();
            let version = words.next()?.strip_prefix('v')?.to_owned();
            Some(Package {
                name,
                version,
                is_macro: line.contains(" (proc-macro)"),
            })
        })
        .collect();
    packages.into_iter().collect()
}

fn contains(tree: &[Package], name: &str) -> bool {
    tree.iter().any(|package| package.name == name)
}

fn assert_none(violations: impl Iterator<Item = String>) {
    let violations: Vec<String> = violations.collect();
    assert!(
        violations.is_empty(),
        "the layers are broken:\n{}",
        violations.join("\n")
    );
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {} failed:\n{errors}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// Returns the root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
