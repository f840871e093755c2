//! The costs of an account, as tables and as a chart.
//!
//! `cargo run --example cost_report` reports on the account of an emulator in this process, whose costs are the
//! same in every run. `cargo run --example cost_report -- --live` reports on a real account, with the credentials
//! of the environment or of the Blaxel CLI.

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

  --live          report on a real account, instead of the emulator's
  --account ID    the account (default: that of the workspace, or the first that the credential can read)
  --days NUMBER   the number of whole days before today (default: 60)
  --svg FILE      the file for the chart (default: cost_report.svg in the temporary directory)";

/// The current time of the emulator, fixed so that the output is the same in every run.
const EMULATED_NOW: &str = "2026-06-18T09:30:00Z";
/// The maximum number of rows of a table; the rest are summed into one.
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
            println!("{text}The chart is in {}", options.svg.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cost_report failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

/// The command-line options.
struct Options {
    live: bool,
    account: Option<String>,
    days: u32,
    svg: PathBuf,
}

impl Options {
    /// Parses the command line. Returns `None` for `--help`.
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
                    options.days =
                        number.ok_or_else(|| format!("invalid number of days: {days}"))?;
                }
                "--svg" => options.svg = value()?.into(),
                "--help" => return Ok(None),
                _ => return Err(format!("unknown argument: {argument}")),
            }
        }
        Ok(Some(options))
    }
}

/// Runs the report on the emulator, or with `--live` on the platform, and returns the tables.
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
        return report_costs(&billing, &account, &Timestamp::now(), options).await;
    }
    let now: Timestamp = EMULATED_NOW.parse()?;
    // The emulator listens on a free loopback port, and stops when it is dropped.
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
    report_costs(&billing, &account, &now, options).await
}

/// Returns the id of the first account that the credential can read.
async fn first_account(billing: &Billing) -> Result<String, Failure> {
    let account = billing.account_items().try_next().await?;
    let id = account.as_ref().and_then(|account| account.id());
    Ok(id
        .ok_or("no account found: the credential can read none")?
        .to_owned())
}

/// Writes the chart to its file, and returns the tables as text.
async fn report_costs(
    billing: &Billing,
    account: &str,
    now: &Timestamp,
    options: &Options,
) -> Result<String, Failure> {
    // One query is enough for all tables: each resource has a name, a type and a workspace.
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
        "\nThis month: ${} so far, ${} projected.\n",
        forecast.spent, forecast.expected
    );

    let chart = chart::draw(
        account,
        report.window(),
        &report.by(&Dimension::ResourceType)?,
    )?;
    std::fs::write(&options.svg, chart)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::read(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn the_command_line_is_parsed() {
        let read = options(&["--days", "7", "--live", "--svg", "x.svg"])
            .unwrap()
            .unwrap();
        assert!(read.live && read.days == 7 && read.svg.ends_with("x.svg"));
        assert!(options(&["--help"]).unwrap().is_none());
        for invalid in [&["--days"][..], &["--days", "0"], &["--nonsense"]] {
            assert!(options(invalid).is_err(), "{invalid:?}");
        }
    }

    #[tokio::test]
    async fn the_report_on_the_emulator_is_the_same_in_every_run() {
        let directory = std::env::temp_dir().join(format!("cost-report-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut outcomes = Vec::new();
        for name in ["first.svg", "second.svg"] {
            let svg = directory.join(name);
            let path = svg.to_string_lossy().into_owned();
            let options = options(&["--svg", &path]).unwrap().unwrap();
            let text = run(&options).await.unwrap();
            outcomes.push((text, std::fs::read_to_string(&svg).unwrap()));
        }
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(outcomes[0], outcomes[1]);
        let (text, chart) = &outcomes[0];
        for expected in ["type", "sandbox", "demo", "others)", "total", "This month"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(chart.starts_with("<svg") && chart.trim_end().ends_with("</svg>"));
        // The chart is self-contained: it references no external resource.
        assert!(!chart.contains("href") && !chart.contains("@import"));
    }
}
