//! What compiling costs a user: `cargo check` of a crate of theirs with nothing compiled before.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::document;
use crate::old::outside::{Features, Outside, dependency};

/// How often each crate is checked; the figure is the median.
const ROUNDS: usize = 3;

/// A user's crate, by what it depends on.
struct User {
    title: &'static str,
    dependencies: String,
}

/// What a check took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    crates: usize,
    seconds: f64,
}

/// The table of all users' crates.
pub(super) fn measure(root: &Path) -> Result<String, String> {
    let users = users(root);
    let lock = fs::read_to_string(root.join("Cargo.lock")).map_err(|error| error.to_string())?;
    let outside = Outside::new()?;
    let mut costs = vec![Vec::new(); users.len()];
    for round in 1..=ROUNDS {
        for (user, costs) in users.iter().zip(&mut costs) {
            println!("round {round} of {ROUNDS}: {}", user.title);
            // The same versions for all.
            let cost = outside.check(&user.dependencies, &lock)?;
            costs.push(Cost {
                crates: cost.crates.len(),
                seconds: cost.seconds,
            });
        }
    }
    let costs: Vec<Cost> = costs.into_iter().map(median).collect();
    let rows: Vec<_> = users.iter().map(|user| user.title).zip(costs).collect();
    Ok(format!(
        "`cargo check` of nothing but these dependencies, {}.\n\n{}",
        document::machine(),
        render(&rows)
    ))
}

/// Who is compared. The first two are ours, bare and by default; the third is who they are compared
/// with. What each feature costs is not told here: `cargo xtask lean` holds it to a budget.
fn users(root: &Path) -> Vec<User> {
    let own = |title, features| User {
        title,
        dependencies: dependency(root, "blaxel-transport", &features)
            + &dependency(root, "blaxel-billing", &features),
    };
    let reqwest = |title, more: &str, rest: &str| User {
        title,
        dependencies: format!(
            "reqwest = {{ version = \"0.12\", default-features = false, \
             features = [\"json\", \"rustls-tls\"{more}] }}\n{rest}"
        ),
    };
    let facade = |title, features| User {
        title,
        dependencies: dependency(root, "blaxel-management", &features),
    };
    vec![
        own(
            "ours, the leanest that calls by TLS with a key",
            Features::Bare,
        ),
        own("ours, with the default features", Features::Default),
        reqwest("reqwest 0.12 with `json`, `rustls-tls`", "", ""),
        reqwest(
            "the same with HTTP/2 and derived types, as ours have",
            ", \"http2\"",
            "serde = { version = \"1\", features = [\"derive\"] }\n",
        ),
        facade(
            "blaxel-management alone, with the default features",
            Features::Default,
        ),
        facade("blaxel-management alone, without a feature", Features::Bare),
    ]
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
    fn only_what_calls_has_two_crates_of_ours() {
        let users = users(Path::new("/x"));
        let lines: Vec<usize> = users
            .iter()
            .map(|user| user.dependencies.lines().count())
            .collect();
        assert_eq!(lines, [2, 2, 1, 2, 1, 1]);
        assert!(!users[1].dependencies.contains("default-features"));
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
