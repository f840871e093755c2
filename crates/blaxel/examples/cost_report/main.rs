//! What an account cost, as tables and as a picture.
//!
//! `cargo run --example cost_report` shows the account that an emulator inside this process makes up,
//! the same one every time. `cargo run --example cost_report -- --live` shows a real one, with the
//! credentials of the environment or of the Blaxel CLI.

mod chart;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use blaxel::billing::{Dimension, MetricsQuery, Resolution, Window};
use blaxel::blaxel_core::Timestamp;
use blaxel::{Billing, Client};
use blaxel_emulator::Emulator;

const USAGE: &str = "\
usage: cost_report [--live] [--account ID] [--days NUMBER] [--svg FILE]

  --live          a real account, instead of the emulator's
  --account ID    this one, instead of that of the workspace or the first that can be seen
  --days NUMBER   so many whole days before today (default: 60)
  --svg FILE      where the picture goes (default: cost_report.svg among the temporary files)";

/// When it is in the emulator, so that the example shows the same every time.
const EMULATED_NOW: &str = "2026-06-18T09:30:00Z";
/// How many resources are told by name.
const TOP: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options).await {
        Ok(text) => {
            println!("{text}The picture is {}", options.svg.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cost_report failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever ends the program early.
type Failure = Box<dyn std::error::Error>;

struct Options {
    live: bool,
    account: Option<String>,
    days: u32,
    svg: PathBuf,
}

impl Options {
    /// Reads the command line; `None` if help is asked for.
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            live: false,
            account: None,
            days: 60,
            svg: std::env::temp_dir().join("cost_report.svg"),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--live" => options.live = true,
                "--account" => options.account = Some(value()?),
                "--days" => {
                    let days = value()?;
                    let number = days.parse().ok().filter(|days| (1..=3660).contains(days));
                    options.days = number.ok_or_else(|| format!("{days} is no number of days"))?;
                }
                "--svg" => options.svg = value()?.into(),
                "--help" => return Ok(None),
                _ => return Err(format!("{argument} is not known")),
            }
        }
        Ok(Some(options))
    }
}

async fn run(options: &Options) -> Result<String, Failure> {
    if options.live {
        let client = Client::from_env()?;
        let workspace = client.workspace().map(|name| name.as_str().to_owned());
        let billing = Billing::new(client);
        let account = match (&options.account, workspace) {
            (Some(account), _) => account.clone(),
            (None, Some(workspace)) => billing.account_of(&workspace).await?,
            (None, None) => first_account(&billing).await?,
        };
        return tell(&billing, &account, &Timestamp::now(), options).await;
    }
    let now: Timestamp = EMULATED_NOW.parse()?;
    // It serves on a free loopback port, and stops when it is dropped.
    let emulator = Emulator::builder().start_time(now.clone()).start().await?;
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .build()?;
    let billing = Billing::new(client);
    let account = match &options.account {
        Some(account) => account.clone(),
        None => first_account(&billing).await?,
    };
    tell(&billing, &account, &now, options).await
}

async fn first_account(billing: &Billing) -> Result<String, Failure> {
    let account = billing.account_items().try_next().await?;
    let id = account.as_ref().and_then(|account| account.id());
    Ok(id.ok_or("the credential sees no account")?.to_owned())
}

/// Writes the picture, and gives the text.
async fn tell(
    billing: &Billing,
    account: &str,
    now: &Timestamp,
    options: &Options,
) -> Result<String, Failure> {
    // One question answers all: to a resource belong its name, its type and its workspace.
    let query = MetricsQuery::new(Window::days_before(options.days, now)?)
        .resolution(Resolution::Daily)
        .group_by(Dimension::ResourceUuid);
    let costs = billing.comparison(account, &query).await?;
    let report = costs.now();

    let mut text = format!("Account {account}, {}\n", table::days(report.window()));
    for (title, dimension) in [
        ("type", Dimension::ResourceType),
        ("workspace", Dimension::Workspace),
        ("resource", Dimension::ResourceName),
    ] {
        let breakdown = report.by(&dimension)?.top(TOP);
        let before = costs.before().by(&dimension)?;
        text += &table::render(title, &breakdown, &before);
    }

    let month = MetricsQuery::new(Window::month_so_far(now)?).resolution(Resolution::Daily);
    let forecast = billing.report(account, &month).await?.forecast(now)?;
    text += &format!(
        "\nThis month: ${} so far, ${} by its end if it goes on like this.\n",
        forecast.spent, forecast.expected
    );

    let picture = chart::draw(
        account,
        report.window(),
        &report.by(&Dimension::ResourceType)?,
    )?;
    std::fs::write(&options.svg, picture)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::read(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn the_command_line_is_read() {
        let read = options(&["--days", "7", "--live", "--svg", "x.svg"])
            .unwrap()
            .unwrap();
        assert!(read.live && read.days == 7 && read.svg.ends_with("x.svg"));
        assert!(options(&["--help"]).unwrap().is_none());
        for wrong in [&["--days"][..], &["--days", "0"], &["--nonsense"]] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn the_emulated_account_is_shown_the_same_every_time() {
        let folder = std::env::temp_dir().join(format!("cost-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut outcomes = Vec::new();
        for name in ["first.svg", "second.svg"] {
            let svg = folder.join(name);
            let path = svg.to_string_lossy().into_owned();
            let options = options(&["--svg", &path]).unwrap().unwrap();
            let text = run(&options).await.unwrap();
            outcomes.push((text, std::fs::read_to_string(&svg).unwrap()));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(outcomes[0], outcomes[1]);
        let (text, picture) = &outcomes[0];
        for part in ["type", "sandbox", "demo", "others)", "total", "This month"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
        // It is self-contained: nothing is fetched to show it.
        assert!(!picture.contains("href") && !picture.contains("@import"));
    }
}
