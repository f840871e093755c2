//! `cargo xtask release publish`: the crates onto a registry, one after the other.

mod answer;
mod cargo;
mod course;
mod pace;
mod preflight;
mod words;

use std::path::Path;
use std::time::{Duration, SystemTime};

pub(super) use pace::Pace;

use super::options::Options;
use super::registry::{Registry, Standing};
use crate::old::ci::say;
use crate::old::git::Git;
use crate::old::workspace::Workspace;
use cargo::Cargo;
use course::{Crate, Stop};
use pace::Allowance;
use preflight::Checkout;

/// Publishes every crate whose version the registry does not have.
pub(super) fn command(root: &Path, options: &Options) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let checkout = Checkout::read(&Git::at(root))?;
    let crates = survey(&workspace, &options.registry)?;
    let pace = pace(options);
    for line in intent(&crates, &options.registry, pace) {
        say(&line);
    }
    let refusals = checkout.refusals(&crates);
    if !refusals.is_empty() {
        say("\nNothing is uploaded from here:");
        for refusal in &refusals {
            say(&format!("- {refusal}"));
        }
        return Ok(false);
    }
    if options.dry_run {
        return Ok(true);
    }
    let mut allowance = Allowance::full(pace, SystemTime::now());
    let mut world = Cargo {
        root,
        registry: &options.registry,
    };
    let end = course::run(&crates, &mut allowance, &mut world);
    for line in ending(&crates, &end, options) {
        say(&line);
    }
    Ok(end.is_ok())
}

/// The limit on new names: the one given, or that of the public registry.
fn pace(options: &Options) -> Option<Pace> {
    let public = options.registry == Registry::default();
    options.new_names.or(public.then_some(Pace::PUBLIC))
}

/// What the registry has of each crate, in the order in which they are published.
fn survey(workspace: &Workspace, registry: &Registry) -> Result<Vec<Crate>, String> {
    let packages = workspace.packages.iter();
    packages
        .map(|package| {
            Ok(Crate {
                name: package.name.clone(),
                version: package.version.clone(),
                standing: registry.standing(&package.name, &package.version)?,
            })
        })
        .collect()
}

/// What is going to be done with each crate, and how long the waits take that can be foreseen.
fn intent(crates: &[Crate], registry: &Registry, pace: Option<Pace>) -> Vec<String> {
    let with = |standing| crates.iter().filter(move |item| item.standing == standing);
    let names = with(Standing::Nothing).count();
    let mut schedule = pace.map(|pace| pace.schedule(names)).unwrap_or_default();
    let whole = schedule.last().copied().unwrap_or_default();
    let mut waits = schedule.drain(..);
    let mut lines = Vec::new();
    for item in crates {
        let plan = match item.standing {
            Standing::Version => "is there already".to_owned(),
            Standing::Name => "to be uploaded".to_owned(),
            Standing::Nothing => match waits.next() {
                None | Some(Duration::ZERO) => "to be uploaded, a new name".to_owned(),
                Some(wait) => {
                    format!("to be uploaded, a new name, after {}", words::time(wait))
                }
            },
        };
        lines.push(format!("{} {}: {plan}", item.name, item.version));
    }
    let due = crates.len() - with(Standing::Version).count();
    lines.push(match due {
        0 => format!("All is on the registry `{}` already.", registry.name()),
        _ if whole.is_zero() => format!("{due} to upload to the registry `{}`.", registry.name()),
        _ => format!(
            "{due} to upload to the registry `{}`. The waits for its limit on new names take {} in \
             all.",
            registry.name(),
            words::time(whole)
        ),
    });
    lines
}

/// How it ended; if before the end, how to go on.
fn ending(crates: &[Crate], end: &Result<(), Stop>, options: &Options) -> Vec<String> {
    let registry = options.registry.name();
    let Err(stop) = end else {
        return vec![format!(
            "\nAll {} crates are on the registry `{registry}`.",
            crates.len()
        )];
    };
    let (there, missing) = crates.split_at(stop.at.min(crates.len()));
    let name = |item: &Crate| format!("{} {}", item.name, item.version);
    let list = |crates: &[Crate]| match crates {
        [] => "none".to_owned(),
        crates => crates.iter().map(name).collect::<Vec<_>>().join(", "),
    };
    let stuck = missing.first().map(name).unwrap_or_default();
    vec![
        format!("\nStopped at {stuck}: {}", stop.reason),
        format!("on the registry `{registry}`: {}", list(there)),
        format!("not seen there: {}", list(missing)),
        format!("to go on: {}", again(options)),
    ]
}

/// The command that goes on where this one ended.
fn again(options: &Options) -> String {
    let mut command = "cargo xtask release publish".to_owned();
    if options.registry != Registry::default() {
        command.push_str(&format!(" --registry {}", options.registry.name()));
    }
    if let Some(pace) = options.new_names {
        command.push_str(&format!(" --new-names {pace}"));
    }
    command
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn crates(standings: &[Standing]) -> Vec<Crate> {
        let standings = (1..).zip(standings);
        standings
            .map(|(number, standing)| Crate {
                name: format!("kite-{number}"),
                version: Version::new(0, 1, 0),
                standing: *standing,
            })
            .collect()
    }

    #[test]
    fn the_intent_names_each_crate_and_the_whole_of_the_waits() {
        let mut standings = vec![Standing::Version, Standing::Name];
        standings.extend([Standing::Nothing; 7]);
        let lines = intent(
            &crates(&standings),
            &Registry::default(),
            Some(Pace::PUBLIC),
        );
        assert_eq!(lines[0], "kite-1 0.1.0: is there already");
        assert_eq!(lines[1], "kite-2 0.1.0: to be uploaded");
        assert_eq!(lines[6], "kite-7 0.1.0: to be uploaded, a new name");
        let last = "kite-9 0.1.0: to be uploaded, a new name, after 20 min";
        assert_eq!(lines[8], last);
        assert!(lines[9].starts_with("8 to upload to the registry `crates-io`."));
        assert!(lines[9].ends_with("take 20 min in all."), "{}", lines[9]);
        let done = intent(
            &crates(&[Standing::Version]),
            &Registry::named("kite"),
            None,
        );
        assert_eq!(done[1], "All is on the registry `kite` already.");
    }

    #[test]
    fn an_early_end_tells_what_is_where_and_how_to_go_on() {
        let stop = Stop {
            at: 1,
            reason: "not an owner".to_owned(),
        };
        let options = Options {
            registry: Registry::named("kite"),
            new_names: "2/30".parse().ok(),
            ..Options::default()
        };
        let lines = ending(&crates(&[Standing::Nothing; 3]), &Err(stop), &options);
        assert_eq!(
            lines,
            [
                "\nStopped at kite-2 0.1.0: not an owner",
                "on the registry `kite`: kite-1 0.1.0",
                "not seen there: kite-2 0.1.0, kite-3 0.1.0",
                "to go on: cargo xtask release publish --registry kite --new-names 2/30",
            ]
        );
    }

    #[test]
    fn only_the_public_registry_has_a_pace_unless_one_is_given() {
        let given = |registry: Registry, new_names| {
            pace(&Options {
                registry,
                new_names,
                ..Options::default()
            })
        };
        let slow = "1/9".parse().ok();
        assert_eq!(given(Registry::default(), None), Some(Pace::PUBLIC));
        assert_eq!(given(Registry::default(), slow), slow);
        assert_eq!(given(Registry::named("kite"), None), None);
        assert_eq!(given(Registry::named("kite"), slow), slow);
    }
}
