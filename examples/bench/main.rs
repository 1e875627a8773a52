//! `make bench`: what Doorward costs, beside what the same costs elsewhere, in one run on one machine.
//!
//! Figures of CPU time are of the whole process tree. Nothing here fails because a machine is slow: a goal that is missed
//! is printed as missed. With `--quick` there is less of everything; with `--write DIR` the results also go into
//! `performance.md` there, between its marks, and into plots beside it. A word that is no option names the one part to run.

mod bodies;
mod challenge;
mod connectors;
mod cpu;
mod fleet;
mod latency;
mod load;
mod logins;
mod open_loop;
mod peers;
mod plot;
mod programs;
mod radius;
mod report;
mod scale;
mod subject;
mod upstream;

use std::path::PathBuf;

use anyhow::Result;

use report::{Report, Section};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rounds: usize,
    pub logins: usize,
    /// Whether this is `make bench-quick`: no peers, no curves.
    pub quick: bool,
}

const FULL: Size = Size { rounds: 11, logins: 16_000, quick: false };
const QUICK: Size = Size { rounds: 3, logins: 4_000, quick: true };

type Part = fn(Size) -> Result<Section>;

/// In the order of the page. The last ones are not of the quick run.
const PARTS: [(&str, Part); 6] = [
    ("logins", logins::measure),
    ("challenge", challenge::measure),
    ("fleet", fleet::measure),
    ("connectors", scale::connectors),
    ("replies", scale::replies),
    ("latency", latency::measure),
];
const OF_QUICK: usize = 3;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut size, mut write, mut only) = (FULL, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => size = QUICK,
            "--write" => write = arguments.next().map(PathBuf::from),
            _ => only.push(argument),
        }
    }
    let mut report = Report::begin();
    let parts = if size.quick && only.is_empty() { &PARTS[..OF_QUICK] } else { &PARTS[..] };
    for (_, part) in parts.iter().filter(|(name, _)| only.is_empty() || only.iter().any(|it| it == name)) {
        report.add(part(size)?);
    }
    match write {
        Some(directory) => report.write(&directory),
        None => Ok(()),
    }
}
