//! A shell gives package managers exactly the packages and options that were declared.

use std::process::Command;

use blaxel_management::image_builder::{
    Apk, Apt, Cargo, Composer, Gem, Go, Installer, NodeManager, NodePackages, Pip, Pipx, Uv,
};
use proptest::prelude::*;

/// Runs the command line of an installer with a program that prints its arguments in place of each package
/// manager, and returns the calls.
fn calls(installer: &dyn Installer) -> Vec<Vec<String>> {
    let print = r#"call() { printf 'call\0'; for each in "$@"; do printf '=%s\0' "$each"; done; }"#;
    let managers = [
        "apk", "bun", "cargo", "composer", "gem", "go", "npm", "pip", "pipx", "pnpm", "rm", "uv",
        "yarn",
    ];
    let functions: String = managers
        .iter()
        .map(|name| format!("{name}() {{ call {name} \"$@\"; }}\n"))
        .collect();
    // A function name of POSIX has no hyphen.
    let line = installer.command().unwrap().unwrap_or_default();
    let line = line.replace("apt-get", "apt_get");
    let script = format!("{print}\n{functions}apt_get() {{ call apt-get \"$@\"; }}\n{line}");
    let output = Command::new("sh").arg("-c").arg(&script).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    let mut calls: Vec<Vec<String>> = Vec::new();
    for part in String::from_utf8(output.stdout)
        .unwrap()
        .split_terminator('\0')
    {
        match part.strip_prefix('=') {
            Some(argument) => calls.last_mut().unwrap().push(argument.to_owned()),
            None => calls.push(Vec::new()),
        }
    }
    calls
}

fn call(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn every_package_manager_is_called_as_it_wants() {
    let cases: Vec<(Box<dyn Installer>, &[&str])> = vec![
        (
            Box::new(Apt::new(["git", "curl"])),
            &[
                "apt-get update",
                "apt-get install -y --no-install-recommends git curl",
                "rm -rf /var/lib/apt/lists/*",
            ],
        ),
        (
            Box::new(
                Apt::new(["git"])
                    .update(false)
                    .clean(false)
                    .recommends(true),
            ),
            &["apt-get install -y git"],
        ),
        (Box::new(Apk::new(["git"])), &["apk add --no-cache git"]),
        (
            Box::new(Apk::new(["git"]).keep_cache(true)),
            &["apk update", "apk add git"],
        ),
        (
            Box::new(
                Pip::new(["uvicorn[standard]>=0.34,<1"])
                    .pre(true)
                    .index_url("https://p/?a&b"),
            ),
            &[
                "pip install --no-cache-dir --pre --index-url https://p/?a&b uvicorn[standard]>=0.34,<1",
            ],
        ),
        (
            Box::new(Uv::new(["numpy"]).upgrade(true)),
            &["uv pip install --no-cache --system --upgrade numpy"],
        ),
        (
            Box::new(Pipx::new(["a", "b"])),
            &["pipx install a", "pipx install b"],
        ),
        (Box::new(NodePackages::of_manifest()), &["npm install"]),
        (
            Box::new(NodePackages::new(["@types/node@^24"]).dev(true)),
            &["npm install --save-dev @types/node@^24"],
        ),
        (
            Box::new(
                NodePackages::new(["a"])
                    .global(true)
                    .manager(NodeManager::Yarn),
            ),
            &["yarn global add a"],
        ),
        (
            Box::new(NodePackages::new(["a"]).manager(NodeManager::Bun).dev(true)),
            &["bun add -d a"],
        ),
        (
            Box::new(
                NodePackages::new(["a"])
                    .manager(NodeManager::Pnpm)
                    .option("--prod"),
            ),
            &["pnpm add --prod a"],
        ),
        (
            Box::new(Gem::new(["rails:~>8"])),
            &["gem install --no-document rails:~>8"],
        ),
        (
            Box::new(Cargo::new(["ripgrep"]).locked(true)),
            &["cargo install --locked ripgrep"],
        ),
        (
            Box::new(Go::new(["a.b/c@latest", "d.e/f@v1"])),
            &["go install a.b/c@latest", "go install d.e/f@v1"],
        ),
        (
            Box::new(
                Composer::of_project()
                    .no_dev(true)
                    .optimize_autoloader(true),
            ),
            &["composer install --no-interaction --no-dev --optimize-autoloader"],
        ),
        (
            Box::new(Composer::new(["a/b:^1"]).no_dev(true)),
            &["composer require --no-interaction --update-no-dev a/b:^1"],
        ),
    ];
    for (installer, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|line| call(line)).collect();
        let found = calls(installer.as_ref());
        // The pattern of `rm` may match nothing, and is then itself; or the lists of this machine.
        let found: Vec<_> = found
            .into_iter()
            .map(|found| {
                if found[0] == "rm" {
                    call("rm -rf /var/lib/apt/lists/*")
                } else {
                    found
                }
            })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn without_packages_there_is_no_command() {
    let none: [&dyn Installer; 8] = [
        &Apt::new::<String>([]),
        &Apk::new::<String>([]),
        &Pip::new::<String>([]),
        &Uv::new::<String>([]),
        &Pipx::new::<String>([]),
        &Gem::new::<String>([]),
        &Cargo::new::<String>([]),
        &Go::new::<String>([]),
    ];
    for installer in none {
        assert_eq!(installer.command().unwrap(), None);
    }
}

#[test]
fn what_a_package_manager_would_misread_is_refused() {
    for package in ["", " ", "-r requirements.txt", "--upgrade", "a\0"] {
        for installer in [&Pip::new([package]) as &dyn Installer, &Go::new([package])] {
            assert!(installer.command().unwrap_err().is_input(), "{package}");
        }
    }
    let packages = || NodePackages::new(["a"]);
    for installer in [
        packages().global(true).dev(true),
        NodePackages::of_manifest().dev(true),
    ] {
        assert!(installer.command().unwrap_err().is_input());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shell_passes_any_package_on_unchanged(
        packages in prop::collection::vec("[a-z\"'$`\\\\;&|<>(){}*?!#~]([ -~]|[\n\té'\"$`]){0,8}x", 1..4),
        option in "-[ -~]{0,8}",
    ) {
        let pip = Pip::new(packages.clone()).option(option.clone());
        let mut expected = call("pip install --no-cache-dir");
        expected.push(option);
        expected.extend(packages);
        prop_assert_eq!(calls(&pip), [expected]);
    }
}
