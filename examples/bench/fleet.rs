//! Many connectors: `check` on a thousand, the daemon's start and its memory with a hundred.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::cpu;
use super::logins::median;
use super::programs::{self, binary, lay_out};

/// Shipped connectors, one with a script and one without, seven and eight golden cases.
const TEXTS: [&str; 2] = [
    include_str!("../../connectors/foura-json-md5.yaml"),
    include_str!("../../connectors/json-message-conditions.yaml"),
];

/// `check` on 1,000 connectors takes less (issue 2 of the project).
const CHECK_GOAL: Duration = Duration::from_secs(2);

/// The daemon with 100 connectors is ready within this, and has at most so many KiB resident (docs/contract.md section 11).
const READY_GOAL: Duration = Duration::from_millis(300);
const RESIDENT_GOAL: u64 = 48 * 1024;

/// `doorward check` on 1,000 files.
pub fn check(rounds: usize) -> Result<()> {
    let home = tempfile::tempdir()?;
    lay_out(home.path(), &connectors(1000))?;
    let mut walls = Vec::new();
    let mut cpus = Vec::new();
    let me = std::process::id();
    for _ in 0..rounds {
        // The command is a child of this process, whose time counts once it was waited for.
        let (before, begun) = (cpu::of_tree(me), Instant::now());
        let mut command = Command::new(binary("../doorward")?);
        let status = command.arg("check").arg(home.path().join("connectors")).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "check finds mistakes in shipped connectors");
        walls.push(begun.elapsed().as_secs_f64());
        cpus.push(cpu::of_tree(me).saturating_sub(before).as_secs_f64());
    }
    let wall = median(walls.into_iter());
    println!(
        "check on 1000 connectors with 7500 tests: {wall:.2} s wall, {:.2} s CPU (goal: below {:.0} s wall{})",
        median(cpus.into_iter()),
        CHECK_GOAL.as_secs_f64(),
        missed(wall >= CHECK_GOAL.as_secs_f64())
    );
    Ok(())
}

/// `doorward serve` with 100 files.
pub fn start(rounds: usize) -> Result<()> {
    let connectors = connectors(100);
    let mut ready = Vec::new();
    let mut resident = 0;
    for _ in 0..rounds {
        let daemon = programs::doorward(&connectors, &[])?;
        ready.push(daemon.ready.as_secs_f64() * 1e3);
        resident = cpu::resident(daemon.pid()).max(resident);
    }
    let ready = median(ready.into_iter());
    println!(
        "100 connectors: ready after {ready:.0} ms (goal: {}{}), {} KiB resident without workers (goal: {RESIDENT_GOAL}{})",
        READY_GOAL.as_millis(),
        missed(ready > READY_GOAL.as_secs_f64() * 1e3),
        resident,
        missed(resident > RESIDENT_GOAL)
    );
    Ok(())
}

fn missed(missed: bool) -> &'static str {
    if missed { ", MISSED" } else { "" }
}

fn connectors(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("c{n:04}"), TEXTS[n % 2].to_owned())).collect()
}
