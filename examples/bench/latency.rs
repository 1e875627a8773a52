//! How long a login takes under load: 70 % of what the program can do with so many connections, as an open loop.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::load::{self, Target};
use super::plot::{Drawn, Plot};
use super::programs::TOKEN;
use super::report::{Section, judged};
use super::subject::median;
use super::{Size, connectors, open_loop, programs, upstream};

const CONNECTIONS: [usize; 3] = [16, 64, 256];

/// The share of the peak.
const LOAD: f64 = 0.7;

/// p99 without a script is at most so many times by hand (issue 12 of the project).
const GOAL: f64 = 1.0;

/// One program with so many connections.
struct Measured {
    name: &'static str,
    connections: usize,
    rate: f64,
    p50: f64,
    p99: f64,
}

pub fn measure(size: Size) -> Result<Section> {
    let upstream = upstream::start()?;
    let handwritten = programs::handwritten(upstream)?;
    let daemon = programs::doorward(&connectors::kinds(upstream), &[])?;
    let of = |id: &str| Target::http(daemon.address, &format!("/v1/connectors/{id}/authenticate"), TOKEN);
    let targets = [
        ("by hand", Target::http(handwritten.address, "/login", TOKEN)),
        ("no script", of("plain")),
        ("variables script", of("variables")),
        ("both scripts", of("both")),
    ];
    let span = Duration::from_secs(if size.quick { 1 } else { 5 });
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        for (name, target) in &targets {
            let peak = peak(target, connections, size)?;
            // The median of three: one stall of the machine is not the program's.
            let runs = (0..3).map(|_| open_loop::run(target, connections, peak * LOAD, span));
            let runs = runs.collect::<Result<Vec<_>>>()?;
            let quantile = |share: f64| median(runs.iter().map(|run| run.quantile(share)));
            rows.push(Measured { name, connections, rate: peak * LOAD, p50: quantile(0.5), p99: quantile(0.99) });
        }
    }
    Ok(section(&rows, targets.len()))
}

/// Logins a second of a closed loop.
fn peak(target: &Target, connections: usize, size: Size) -> Result<f64> {
    let logins = size.logins.max(connections * 20);
    load::run(target, connections, logins / 5)?;
    let wall = load::run(target, connections, logins)?;
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let peak = logins as f64 / wall.as_secs_f64();
    Ok(peak)
}

fn section(rows: &[Measured], programs: usize) -> Section {
    let mut text = "### Under load\n\nHow long a login takes, from when it was due, at 70 % of what the program can do with so many \
                    connections. Load, upstream and program share the cores.\n\n\
                    | connections | | logins/s | p50 | p99 | p99, times by hand | goal |\n| --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for of_connections in rows.chunks(programs) {
        for row in of_connections {
            let times = row.p99 / of_connections[0].p99;
            let goal = if row.name == "no script" { judged(times, GOAL, 1, "") } else { String::new() };
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.2} ms | {:.2} ms | {times:.2} | {goal} |",
                row.connections, row.name, row.rate, row.p50, row.p99
            );
        }
    }
    let curve = |name: &str, of: fn(&Measured) -> f64| {
        let own = rows.iter().filter(|row| row.name == name);
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        own.map(|row| (row.connections as f64, of(row))).collect::<Vec<_>>()
    };
    let names = rows.iter().take(programs).map(|row| row.name);
    let curves = names.flat_map(|name| {
        [(format!("{name}, p50"), curve(name, |row| row.p50)), (format!("{name}, p99"), curve(name, |row| row.p99))]
    });
    let title = "Latency at 70 % of the peak".to_owned();
    let plot = Plot { name: "latency", title, x: "connections", y: "ms", what: Drawn::Curves(curves.collect()) };
    Section { text, plots: vec![plot] }
}
