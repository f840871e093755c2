//! What compiling costs a user: `cargo check` of a crate of theirs with nothing compiled before.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::slice::from_ref;

use super::document;
use crate::manifest::Manifest;
use crate::scratch::Scratch;

/// How often most crates are checked; the figure is the median.
const ROUNDS: usize = 3;

/// The clock of `/proc`: ticks per second, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// A user's crate, by what it depends on.
#[derive(Clone)]
struct User {
    title: String,
    dependencies: String,
    rounds: usize,
}

/// Features of a crate of ours.
#[derive(Clone, Copy)]
enum Features<'a> {
    Default,
    /// These, and not the default ones.
    Only(&'a [String]),
}

/// What a check took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    crates: usize,
    seconds: f64,
}

/// The table of all users' crates.
pub(super) fn measure(root: &Path) -> Result<String, String> {
    let users = [
        callers(root, &features(root, "blaxel-transport")?),
        facades(root, &features(root, "blaxel-management")?),
    ]
    .concat();
    let directory = Scratch::new("bench")?;
    let mut costs = vec![Vec::new(); users.len()];
    for round in 1..=ROUNDS {
        for (user, costs) in users.iter().zip(&mut costs) {
            if round > user.rounds {
                continue;
            }
            println!("round {round} of {}: {}", user.rounds, user.title);
            costs.push(check(root, directory.path(), &user.dependencies)?);
        }
    }
    let costs: Vec<Cost> = costs.into_iter().map(median).collect();
    let rows: Vec<_> = users
        .iter()
        .map(|user| user.title.as_str())
        .zip(costs)
        .collect();
    Ok(format!(
        "`cargo check` of nothing but these dependencies, {}.\n\n{}",
        document::machine(),
        render(&rows)
    ))
}

/// The features of a crate of ours.
fn features(root: &Path, krate: &str) -> Result<Vec<String>, String> {
    let manifest = root.join("crates").join(krate).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).map_err(|error| error.to_string())?;
    let manifest = Manifest::parse(&manifest);
    Ok(manifest.features().into_iter().map(str::to_owned).collect())
}

/// The line by which a user's crate depends on a crate of ours.
fn dependency(root: &Path, krate: &str, features: Features<'_>) -> String {
    let path = root.join("crates").join(krate);
    let choice = match features {
        Features::Default => String::new(),
        Features::Only([]) => ", default-features = false".to_owned(),
        Features::Only(some) => format!(", default-features = false, features = {some:?}"),
    };
    format!("{krate} = {{ path = {path:?}{choice} }}\n")
}

/// Who is compared of those who call. The first two are ours, bare and by default; the third is who
/// they are compared with.
fn callers(root: &Path, features: &[String]) -> Vec<User> {
    let own = |title: String, transport, billing| User {
        title,
        dependencies: dependency(root, "blaxel-transport", transport)
            + &dependency(root, "blaxel-billing", billing),
        rounds: ROUNDS,
    };
    let bare = Features::Only(&[]);
    let reqwest = |title: &str, more: &str, rest: &str| User {
        title: title.to_owned(),
        dependencies: format!(
            "reqwest = {{ version = \"0.12\", default-features = false, \
             features = [\"json\", \"rustls-tls\"{more}] }}\n{rest}"
        ),
        rounds: ROUNDS,
    };
    let mut users = vec![
        own(
            "ours, the leanest that calls by TLS with a key".into(),
            bare,
            bare,
        ),
        own(
            "ours, with the default features".into(),
            Features::Default,
            Features::Default,
        ),
        reqwest("reqwest 0.12 with `json`, `rustls-tls`", "", ""),
        reqwest(
            "the same with HTTP/2 and derived types, as ours have",
            ", \"http2\"",
            "serde = { version = \"1\", features = [\"derive\"] }\n",
        ),
    ];
    for feature in features {
        users.push(own(
            format!("ours, the leanest and `{feature}`"),
            Features::Only(from_ref(feature)),
            bare,
        ));
    }
    users
}

/// Who is compared of those who have the types of the Management API alone, and nothing that calls.
fn facades(root: &Path, features: &[String]) -> Vec<User> {
    let own = |title: &str, features, rounds| User {
        title: format!("blaxel-management alone, {title}"),
        dependencies: dependency(root, "blaxel-management", features),
        rounds,
    };
    let mut users = vec![
        own("with the default features", Features::Default, ROUNDS),
        own("without a feature", Features::Only(&[]), ROUNDS),
    ];
    // There are many, and they differ by some code of one crate: once is enough.
    for feature in features {
        let only = Features::Only(from_ref(feature));
        users.push(own(&format!("with `{feature}`"), only, 1));
    }
    users
}

/// Checks a crate that has these dependencies and no more.
fn check(root: &Path, directory: &Path, dependencies: &str) -> Result<Cost, String> {
    let cannot = |error: std::io::Error| format!("the user's crate cannot be made: {error}");
    let target = directory.join("target");
    if target.exists() {
        fs::remove_dir_all(&target).map_err(cannot)?;
    }
    fs::create_dir_all(directory.join("src")).map_err(cannot)?;
    let manifest = format!(
        "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{dependencies}"
    );
    fs::write(directory.join("Cargo.toml"), manifest).map_err(cannot)?;
    fs::write(directory.join("src/lib.rs"), "").map_err(cannot)?;
    // The same versions for all; cargo drops what is not needed.
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock")).map_err(cannot)?;
    let cargo = |command: &str| -> Result<Output, String> {
        let output = crate::ci::cargo_in(directory)
            .arg(command)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_BUILD_RUSTC_WRAPPER")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("cargo {command} failed:\n{said}"))
    };
    cargo("fetch")?;
    let before = children_seconds()?;
    let output = cargo("check")?;
    let seconds = children_seconds()? - before;
    let crates = count(&String::from_utf8_lossy(&output.stderr));
    Ok(Cost { crates, seconds })
}

/// The crates that cargo said it compiled, without the user's own.
fn count(said: &str) -> usize {
    let verbs = ["Compiling ", "Checking "];
    let lines = said.lines().map(str::trim_start);
    lines
        .filter(|line| verbs.iter().any(|verb| line.starts_with(verb)))
        .filter(|line| line.split(' ').nth(1) != Some("user"))
        .count()
}

/// The processor time of all processes that we started and waited for, and of theirs.
fn children_seconds() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("only Linux tells the time of child processes: {error}"))?;
    seconds_in(&stat).ok_or_else(|| "/proc/self/stat is not as expected".to_owned())
}

fn seconds_in(stat: &str) -> Option<f64> {
    // The name in parentheses may hold anything; after it the fields are counted from 3 on.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(16 - 3);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_unstable_by(|one, other| one.seconds.total_cmp(&other.seconds));
    costs[costs.len() / 2]
}

fn render(rows: &[(&str, Cost)]) -> String {
    let mut text = String::from("| a crate that takes | crates | CPU seconds |\n|---|--:|--:|\n");
    for (title, Cost { crates, seconds }) in rows {
        let _ = writeln!(text, "| {title} | {crates} | {seconds:.1} |");
    }
    if let [(_, lean), _, (_, other), ..] = rows {
        let met = lean.crates <= other.crates && lean.seconds <= other.seconds;
        let _ = write!(
            text,
            "\nAim: the leanest at or below reqwest. {} by crates ({} and {}), {:.2} times its CPU \
             seconds.\n",
            if met { "Met:" } else { "**Missed:**" },
            lean.crates,
            other.crates,
            lean.seconds / other.seconds
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_without_the_user_s_own() {
        let said = "  Downloaded a v1\n   Compiling a v1.0.0\n    Checking b v0.1.0 (path)\n\
                    \x20   Checking user v0.0.0 (path)\n    Finished `dev` profile\n";
        assert_eq!(count(said), 2);
    }

    #[test]
    fn the_time_of_children_is_read_behind_any_name() {
        let stat = "12 (a) b (c)) S 3 4 5 6 7 8 9 10 11 12 13 14 250 50 20 0 1";
        assert_eq!(seconds_in(stat), Some(3.0));
        assert_eq!(seconds_in("12 (a) S 3"), None);
    }

    #[test]
    fn every_feature_has_its_price() {
        let users = callers(Path::new("/x"), &["oauth".to_owned()]);
        assert_eq!(users.len(), 5);
        let oauth = &users[4].dependencies;
        let transport = oauth.lines().next().unwrap();
        assert!(transport.contains("default-features = false, features = [\"oauth\"]"));
        assert!(!users[1].dependencies.contains("default-features"));
    }

    #[test]
    fn a_facade_is_compiled_without_what_calls() {
        let features = features(&crate::root(), "blaxel-management").unwrap();
        assert!(features.contains(&"workloads".to_owned()), "{features:?}");
        let users = facades(Path::new("/x"), &features);
        assert_eq!(users.len(), features.len() + 2);
        for user in users {
            assert_eq!(user.dependencies.lines().count(), 1, "{}", user.title);
        }
    }

    #[test]
    fn the_aim_stands_below_the_table() {
        let cost = |crates, seconds| Cost { crates, seconds };
        let rows = |lean| [("a", lean), ("b", cost(70, 30.0)), ("c", cost(65, 20.0))];
        let text = render(&rows(cost(60, 19.0)));
        assert!(text.contains("Met: by crates (60 and 65), 0.95"), "{text}");
        assert!(render(&rows(cost(60, 21.0))).contains("**Missed:**"));
        assert!(text.contains("| b | 70 | 30.0 |\n"), "{text}");
    }

    #[test]
    fn the_median_is_by_time() {
        let costs = [5.0, 1.0, 3.0].map(|seconds| Cost { crates: 1, seconds });
        assert_eq!(median(costs.to_vec()).seconds, 3.0);
    }
}
