//! Many connectors: `check` on a thousand, the daemon's start, and what connectors and connections take of memory.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use super::load::{self, Target};
use super::programs::{self, Program, TOKEN, binary, lay_out};
use super::report::{Section, judged};
use super::subject::median;
use super::{Size, connectors as written, cpu, upstream};

/// Shipped connectors, one with a script and one without, seven and eight golden cases.
const TEXTS: [&str; 2] = [
    include_str!("../../connectors/foura-json-md5.yaml"),
    include_str!("../../connectors/json-message-conditions.yaml"),
];

/// In the order of the goals of issues 2 and 12 of the project: seconds, milliseconds, KiB.
const CHECK: f64 = 2.0;
const READY_100: f64 = 60.0;
const READY_10000: f64 = 3000.0;
const RESIDENT: f64 = 28.0 * 1024.0;
const A_CONNECTOR: f64 = 64.0;
const A_CONNECTION: f64 = 8.0;

/// Idle connections that are opened to see what one takes.
const IDLE: u32 = 1000;

pub fn measure(size: Size) -> Result<Section> {
    let rounds = if size.quick { 3 } else { 11 };
    let (wall, cpu) = check(if size.quick { 3 } else { 7 })?;
    let (hundred, few) = start(100, rounds)?;
    let (ten_thousand, many) = start(10_000, if size.quick { 1 } else { 3 })?;
    let a_connector = (many - few) / 9900.0;
    let a_connection = idle()?;
    let text = format!(
        "### Many connectors\n\nMemory is what is resident, workers of scripts not counted.\n\n\
         | | | goal |\n| --- | --- | --- |\n\
         | `check` on 1,000 connectors with 7,500 golden cases | {wall:.2} s, {cpu:.2} s of CPU | {} |\n\
         | start to ready, 100 connectors | {hundred:.0} ms | {} |\n\
         | start to ready, 10,000 connectors | {ten_thousand:.0} ms | {} |\n\
         | memory with 100 connectors | {few:.0} KiB | {} |\n\
         | memory of a connector more | {a_connector:.1} KiB | {} |\n\
         | memory of an idle connection more | {a_connection:.1} KiB | {} |\n",
        judged(wall, CHECK, 0, " s"),
        judged(hundred, READY_100, 0, " ms"),
        judged(ten_thousand, READY_10000, 0, " ms"),
        judged(few, RESIDENT, 0, " KiB"),
        judged(a_connector, A_CONNECTOR, 0, " KiB"),
        judged(a_connection, A_CONNECTION, 0, " KiB"),
    );
    Ok(Section { text, plots: Vec::new() })
}

/// `doorward check` on 1,000 files: seconds of time and of CPU.
fn check(rounds: usize) -> Result<(f64, f64)> {
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
    Ok((median(walls.into_iter()), median(cpus.into_iter())))
}

/// `doorward serve` with so many files: milliseconds until it listens, and the KiB that are resident then.
fn start(count: usize, rounds: usize) -> Result<(f64, f64)> {
    let connectors = connectors(count);
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let daemon = programs::doorward(&connectors, &[])?;
        ready.push(daemon.ready.as_secs_f64() * 1e3);
        resident.push(memory(&daemon));
    }
    Ok((median(ready.into_iter()), median(resident.into_iter())))
}

/// KiB of a connection of a console that has logged somebody in and waits.
fn idle() -> Result<f64> {
    let upstream = upstream::start()?;
    let daemon = programs::doorward(&[("plain".to_owned(), written::plain(upstream))], &[])?;
    let target = Target::http(daemon.address, "/v1/connectors/plain/authenticate", TOKEN);
    load::run(&target, 16, 4000)?;
    let before = memory(&daemon);
    let mut open: Vec<TcpStream> = Vec::new();
    for number in 0..IDLE {
        let mut connection = load::Connection::over(target.connect()?, &target, number as usize);
        connection.login()?;
        open.push(connection.into_stream());
    }
    let after = memory(&daemon);
    drop(open);
    Ok((after - before) / f64::from(IDLE))
}

#[expect(clippy::cast_precision_loss, reason = "a count of KiB")]
fn memory(daemon: &Program) -> f64 {
    cpu::resident(daemon.pid()) as f64
}

fn connectors(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("c{n:05}"), TEXTS[n % 2].to_owned())).collect()
}
