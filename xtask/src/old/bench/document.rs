//! The parts of `BENCHMARKS.md` that are written by machine, and what stands in them besides figures.

use std::process::Command;

/// The text with another body between the marks of a section.
pub(super) fn replace(text: &str, section: &str, body: &str) -> Result<String, String> {
    let begin = format!("<!-- cargo xtask {section}: begin -->");
    let end = format!("<!-- cargo xtask {section}: end -->");
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or_else(|| format!("it has no `{begin}` with its end"))?;
    Ok(format!(
        "{before}{begin}\n\n{}\n\n{end}{after}",
        body.trim()
    ))
}

/// What the figures were taken on, by what makes a difference to them.
pub(super) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = match cores {
        1 => "1 core".to_owned(),
        many => format!("{many} cores"),
    };
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    // Name and number, without the commit and its date.
    let compiler: Vec<&str> = compiler.split_whitespace().take(2).collect();
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{cores}, {os} {arch}, {}", compiler.join(" "))
}

/// The versions of a package in a lock file.
pub(super) fn versions<'a>(lock: &'a str, package: &str) -> Vec<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == name {
            let version = lines.next().and_then(|line| line.split('"').nth(1));
            versions.extend(version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- cargo xtask x: begin -->\nold\n<!-- cargo xtask x: end -->\nb\n";
        let new = replace(text, "x", "new\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- cargo xtask x: begin -->\n\nnew\n\n<!-- cargo xtask x: end -->\nb\n"
        );
        assert_eq!(replace(&new, "x", "new\n").unwrap(), new);
        assert!(replace(text, "y", "new").unwrap_err().contains("xtask y"));
    }

    #[test]
    fn all_versions_of_a_package_are_found() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[[package]]\nname = \"a\"\n\
                    version = \"2.1\"\n\n[[package]]\nname = \"ab\"\nversion = \"3.0\"\n";
        assert_eq!(versions(lock, "a"), ["1.0", "2.1"]);
        assert!(versions(lock, "b").is_empty());
    }
}
