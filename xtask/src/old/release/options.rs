//! The options that the steps of a release share.

use super::registry::Registry;

const OPTIONS: [&str; 4] = ["--registry", "--dry-run", "--branch", "--date"];

/// How a step of a release is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// Where the packages go.
    pub(super) registry: Registry,
    /// Only to say what would be done.
    pub(super) dry_run: bool,
    /// The branch that releases are made from.
    pub(super) branch: String,
    /// The day of the release, `YYYY-MM-DD`, if it is not today.
    pub(super) date: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            dry_run: false,
            branch: "main".to_owned(),
            date: None,
        }
    }
}

impl Options {
    /// Reads what was given after the name of the step.
    pub(super) fn parse(step: &str, arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(option) = arguments.next() {
            let mut value = || match arguments.next() {
                Some(value) if !value.starts_with('-') => Ok(value.clone()),
                _ => Err(format!("`{option}` needs a value")),
            };
            match option.as_str() {
                "--registry" => options.registry = Registry::named(&value()?),
                "--dry-run" => options.dry_run = true,
                "--branch" => options.branch = value()?,
                "--date" if step == "prepare" => options.date = Some(day(value()?)?),
                "--date" => return Err(format!("`--date` is for `prepare`, not for `{step}`")),
                unknown => {
                    return Err(format!(
                        "`release {step}` does not know `{unknown}`; the options are {}",
                        crate::old::list(&OPTIONS)
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// The value, if it has the form of a day.
fn day(value: String) -> Result<String, String> {
    let parts: Vec<&str> = value.split('-').collect();
    let number = |part: &str, digits: usize| {
        let fits = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| fits)
    };
    let is_day = match parts[..] {
        [year, month, day] => {
            number(year, 4).is_some()
                && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
                && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
        }
        _ => false,
    };
    if is_day {
        Ok(value)
    } else {
        Err(format!(
            "`--date` takes a day such as 2026-11-25, not `{value}`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(step: &str, line: &str) -> Result<Options, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(step, &arguments)
    }

    #[test]
    fn nothing_said_is_the_public_registry_and_main() {
        let options = parse("plan", "").unwrap();
        assert_eq!(options.registry.name(), "crates-io");
        assert_eq!(options.branch, "main");
        assert!(!options.dry_run);
    }

    #[test]
    fn every_option_is_taken() {
        let options = parse(
            "prepare",
            "--dry-run --registry kite --date 2026-11-25 --branch next",
        );
        let expected = Options {
            registry: Registry::named("kite"),
            dry_run: true,
            branch: "next".to_owned(),
            date: Some("2026-11-25".to_owned()),
        };
        assert_eq!(options, Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let fails = |step: &str, line: &str| parse(step, line).unwrap_err();
        assert!(fails("plan", "--fast").contains("`--fast`"));
        assert!(fails("plan", "--registry --dry-run").contains("`--registry` needs a value"));
        assert!(fails("publish", "--date 2026-11-25").contains("for `prepare`"));
        for odd in [
            "today",
            "2026-13-01",
            "2026-1-1",
            "2026-01-32",
            "+026-01-01",
        ] {
            assert!(fails("prepare", &format!("--date {odd}")).contains(odd));
        }
    }
}
