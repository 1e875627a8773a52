//! `doorward top`: how many logins a running daemon has by connector and verdict, and how many a second.

mod samples;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use doorward::trace::harmless;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::samples::{Counts, Samples};
use super::load;
use super::output::print;
use super::remote::{Client, Daemon};

/// Where a terminal does not say otherwise.
const WIDTH: usize = 80;

const VERDICTS: [&str; 5] = ["accept", "reject", "challenge", "unavailable", "misconfigured"];

/// `doorward top`
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    daemon: Daemon,
    /// Seconds from one look to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// Looks so many times and ends; until Ctrl-C when left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// 0, when all looks are done or Ctrl-C comes.
pub fn run(options: Options) -> Result<ExitCode> {
    let (every, count) = (Duration::from_secs(options.interval), options.count);
    let client = options.daemon.client()?;
    load::runtime()?.block_on(async {
        tokio::select! {
            done = look(&client, every, count) => done.map(|()| ExitCode::SUCCESS),
            asked = tokio::signal::ctrl_c() => Ok(asked.map(|()| ExitCode::SUCCESS)?),
        }
    })
}

async fn look(client: &Client, every: Duration, count: Option<u64>) -> Result<()> {
    let clear = if std::io::stdout().is_terminal() { "\u{1b}[H\u{1b}[2J" } else { "" };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<(Instant, Samples)> = None;
    let mut looks = 0;
    while count.is_none_or(|count| looks < count) {
        ticks.tick().await;
        let now = Instant::now();
        let samples = Samples::read(&client.text("/metrics").await?);
        let since = before.as_ref().map(|(at, samples)| (now - *at, samples));
        print(&format!("{clear}{}", table(&samples, since)))?;
        before = Some((now, samples));
        looks += 1;
    }
    Ok(())
}

/// One look. The counts are since the daemon began; the rate is since the look before.
fn table(samples: &Samples, before: Option<(Duration, &Samples)>) -> String {
    // A daemon that was restarted counts from the beginning.
    let rate = |now: &Counts, id: Option<&str>| -> String {
        let Some((took, before)) = before else { return "-".to_owned() };
        let earlier = id.map_or(before.all(), |id| before.of(id));
        let more = now.sum().checked_sub(earlier.sum()).unwrap_or(now.sum());
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = more as f64 / took.as_secs_f64().max(0.001);
        format!("{rate:.1}")
    };
    let mut text = format!("{} in flight", samples.in_flight);
    for (label, count) in &samples.trouble {
        let _ = write!(text, ", {count} {}", harmless(label));
    }
    text.push_str("\n\n");
    let mut row = |name: &str, cells: [String; 5], rate: &str| {
        let [accept, reject, challenge, unavailable, misconfigured] = cells;
        let name: String = harmless(name).chars().take(WIDTH - 54).collect();
        let _ = writeln!(
            text,
            "{name:<26} {accept:>8} {reject:>8} {challenge:>9} {unavailable:>7} {misconfigured:>9} {rate:>7}"
        );
    };
    row("connector", ["accept", "reject", "challenge", "unavail", "misconf"].map(str::to_owned), "/s");
    for (id, counts) in &samples.connectors {
        row(id, counts.cells(), &rate(counts, Some(id)));
    }
    let all = samples.all();
    row("all", all.cells(), &rate(&all, None));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_counts_rates_and_eighty_columns() {
        let text = |accepts: u32, id: &str| {
            format!(
                "# TYPE doorward_logins counter\ndoorward_logins_total{{connector=\"{id}\",verdict=\"accept\",detail=\"\"}} {accepts}\n\
                 doorward_logins_total{{connector=\"{id}\",verdict=\"reject\",detail=\"other\"}} 2\n\
                 doorward_logins_total{{connector=\"{id}\",verdict=\"reject\",detail=\"account_locked\"}} 3\n\
                 doorward_logins_in_flight 7\ndoorward_shed_total{{cause=\"logins\"}} 4\n"
            )
        };
        let long = "a".repeat(60);
        let (before, now) = (Samples::read(&text(10, "demo")), Samples::read(&text(30, "demo")));
        let shown = table(&now, Some((Duration::from_secs(2), &before)));
        expect_test::expect![[r"
            7 in flight, 4 shed

            connector                    accept   reject challenge unavail   misconf      /s
            demo                             30        5         0       0         0    10.0
            all                              30        5         0       0         0    10.0
        "]]
        .assert_eq(&shown);
        let restarted = table(&before, Some((Duration::from_secs(1), &now)));
        assert!(restarted.contains("15.0"), "{restarted}");
        let wide = table(&Samples::read(&text(4_000_000, &long)), None);
        assert!(wide.lines().all(|line| line.chars().count() <= WIDTH), "{wide}");
    }
}
