//! Promise: the compiler rejects a type that is not a service with our own error message.

use std::path::Path;
use std::process::Command;

/// Compiles a small crate that uses `blaxel-core`. Returns whether it compiles, and the compiler's
/// output.
fn compile(name: &str, source: &str) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crate_folder = root.join("target").join("diagnostics").join(name);
    std::fs::create_dir_all(crate_folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nblaxel-core = {{ path = {:?} }}\n",
        root.join("crates").join("blaxel-core")
    );
    std::fs::write(crate_folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(root.join("Cargo.lock"), crate_folder.join("Cargo.lock")).unwrap();
    std::fs::write(crate_folder.join("src").join("lib.rs"), source).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--color", "never"])
        .arg("--manifest-path")
        .arg(crate_folder.join("Cargo.toml"))
        .env(
            "CARGO_TARGET_DIR",
            root.join("target").join("diagnostics").join("target"),
        )
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_type_that_is_no_service_gets_our_compiler_message() {
    let (compiles, said) = compile(
        "no-service",
        "fn needs(_: impl blaxel_core::HttpService) {}\npub fn wrong() { needs(3) }\n",
    );
    assert!(!compiles);
    assert!(
        said.contains("cannot carry calls to the Blaxel API"),
        "{said}"
    );
    assert!(
        said.contains("tower::Service<http::Request<blaxel_core::Body>>"),
        "{said}"
    );

    // The same code without the mistake compiles, so the test fails for the right reason.
    let (compiles, said) = compile(
        "a-service",
        "pub fn needs(_: impl blaxel_core::HttpService) {}\n",
    );
    assert!(compiles, "{said}");
}
