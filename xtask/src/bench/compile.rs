//! The cost of compiling for users: a `cargo check` of a crate outside, with nothing compiled before.

use anyhow::{Result, bail, ensure};
use cargo_metadata::Package;
use xshell::{Cmd, Shell};

use crate::shell::cargo;
use crate::workspace::Workspace;

/// Checks of each crate; the figure is the median.
const ROUNDS: usize = 3;

/// The manifest of a user's crate up to its dependencies.
const USER: &str =
    "workspace = {}\npackage = { name = 'user', edition = '2024' }\n[dependencies]\n";

/// The title of a user's crate, and its dependencies as its manifest has them.
type User = (String, String);

/// The processor seconds, and the number of crates compiled without the user's own.
type Cost = (f64, usize);

/// Measures these users' crates and those with one of ours, and returns the body of the section.
pub(super) fn measure(sh: &Shell, users: &[User]) -> Result<String> {
    let crates = sh.current_dir().join("crates").display().to_string();
    let users = with_each_crate(users, &Workspace::read(sh)?.packages);
    // The same versions for all; cargo drops what is not needed.
    let lock = sh.read_file("Cargo.lock")?;
    let machine = super::machine(sh)?;
    let directory = sh.create_temp_dir()?;
    let _outside = sh.push_dir(directory.path());
    let mut rows: Vec<_> = users.iter().map(|user| (user, Vec::new())).collect();
    for round in 1..=ROUNDS {
        for ((title, dependencies), costs) in &mut rows {
            println!("round {round} of {ROUNDS}: {title}");
            let dependencies = dependencies.replace("{crates}", &crates);
            costs.push(check(sh, &dependencies, &lock)?);
        }
    }
    let rows = rows.into_iter().map(|(user, costs)| (user, median(costs)));
    let title = format!("`cargo check` of nothing but these dependencies, {machine}");
    Ok(title + ".\n\n" + &render(&rows.collect::<Vec<_>>())?)
}

/// Adds users of each crate alone: with its default features if it has any, and without a feature.
fn with_each_crate(users: &[User], packages: &[Package]) -> Vec<User> {
    let mut users = users.to_vec();
    for Package { name, features, .. } in packages {
        let mut add = |choice: &str, more: &str| {
            let own = format!("{name} = {{ path = '{{crates}}/{name}'{more} }}");
            users.push((format!("{name} alone, {choice}"), own));
        };
        if features.get("default").is_some_and(|list| !list.is_empty()) {
            add("with the default features", "");
        }
        add("without a feature", ", default-features = false");
    }
    users
}

/// Checks a crate with these dependencies in the directory of the shell; downloads do not count.
fn check(sh: &Shell, dependencies: &str, lock: &str) -> Result<Cost> {
    sh.write_file("Cargo.toml", USER.to_owned() + dependencies)?;
    sh.write_file("Cargo.lock", lock)?;
    sh.write_file("src/lib.rs", "")?;
    sh.remove_path("target")?;
    cargo(sh, "fetch --quiet").quiet().run()?;
    let before = children_seconds(sh)?;
    // Users get our crates from a registry, where cargo does not prepare for incremental builds.
    let check = cargo(sh, "check --color never --target-dir target").env("CARGO_INCREMENTAL", "0");
    let flags = ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "RUSTFLAGS"];
    let check = flags.into_iter().fold(check, Cmd::env_remove);
    let output = check.quiet().ignore_status().output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo check failed: {said}");
    let lines = said.lines().map(str::trim_start);
    let is_crate = |line: &&str| line.starts_with("Compiling ") || line.starts_with("Checking ");
    let crates = lines.filter(is_crate).count().saturating_sub(1);
    Ok((children_seconds(sh)? - before, crates))
}

/// Returns the processor time of all child processes that have ended, and of theirs; on Linux only.
fn children_seconds(sh: &Shell) -> Result<f64> {
    let stat = sh.read_file("/proc/self/stat")?;
    // The name in parentheses may hold anything; the field after it is the third one.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace().skip(16 - 3).take(2);
    let ticks: Vec<f64> = fields.flat_map(str::parse).collect();
    ensure!(ticks.len() == 2, "cannot read the times in `{stat}`");
    // Hundredths of a second on every Linux that Rust runs on.
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    costs[costs.len() / 2]
}

/// Renders the rows, and compares the first with the third, and the seconds with those of the fifth.
fn render(rows: &[(&User, Cost)]) -> Result<String> {
    let [(_, own), _, (_, peer), _, (_, (control, _)), ..] = rows else {
        bail!("the peers or the control are missing");
    };
    let mut text = "| a crate that takes | crates | CPU seconds | times the control |\n".to_owned();
    text += "|---|--:|--:|--:|\n";
    for ((title, _), (seconds, crates)) in rows {
        let times = seconds / control;
        text += &format!("| {title} | {crates} | {seconds:.1} | {times:.2} |\n");
    }
    let is_met = own.0 <= peer.0 && own.1 <= peer.1;
    let verdict = if is_met { "Met:" } else { "**Missed:**" };
    let (crates, times) = (format!("{} and {}", own.1, peer.1), own.0 / peer.0);
    text += "\nAim: the leanest at or below reqwest. ";
    text += &format!("{verdict} by crates ({crates}), {times:.2} times its CPU seconds.\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_published_crate_is_a_user_s_only_dependency() {
        let sh = crate::shell::at_root().unwrap();
        let packages = Workspace::read(&sh).unwrap().packages;
        let users = format!("{:?}", with_each_crate(&[], &packages));
        for line in [
            r#"("blaxel alone, with the default features", "blaxel = { path = '{crates}/blaxel' }")"#,
            r#""blaxel-core alone, without a feature", "blaxel-core = { path = '{crates}/blaxel-core', default"#,
        ] {
            assert!(users.contains(line), "{users}");
        }
        assert!(!users.contains("core alone, with the default"), "{users}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_check_outside_is_timed_and_its_crates_are_counted() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        let kite = "package = { name = 'kite', edition = '2024' }";
        sh.write_file("kite/Cargo.toml", kite).unwrap();
        sh.write_file("kite/src/lib.rs", "").unwrap();
        let (seconds, crates) = check(&sh, "kite = { path = 'kite' }", "").unwrap();
        assert!(crates == 1 && seconds > 0.0, "{crates} crates, {seconds} s");
        sh.write_file("kite/src/lib.rs", "wind").unwrap();
        let error = check(&sh, "kite = { path = 'kite' }", "").unwrap_err();
        assert!(error.to_string().contains("wind"), "{error}");
    }

    #[test]
    fn medians_are_compared_below_the_table() {
        let user = ("a".to_owned(), String::new());
        assert_eq!(median(vec![(5.0, 1), (1.0, 2), (3.0, 3)]), (3.0, 3));
        for (own, aim) in [
            ((20.0, 65), " Met: by crates (65 and 65), 1.00 times"),
            ((19.0, 66), " **Missed:** by crates (66 and 65), 0.95"),
            ((20.2, 60), " **Missed:** by crates (60 and 65), 1.01"),
        ] {
            let rows = [own, (40.0, 99), (20.0, 65), (21.0, 70), (10.0, 30)];
            let text = render(&rows.map(|cost| (&user, cost))).unwrap();
            assert!(text.contains("\n| a | 99 | 40.0 | 4.00 |\n"), "{text}");
            assert!(text.contains(aim), "{text}");
        }
    }
}
