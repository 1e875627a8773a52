//! How the cost of a login grows: with the number of connectors, and with the size of the reply.

use std::fmt::Write as _;

use anyhow::Result;

use super::load::Target;
use super::plot::{Drawn, Plot};
use super::programs::TOKEN;
use super::report::{Section, judged};
use super::subject::{CONNECTIONS, Subject, measure as run};
use super::{Size, connectors as written, programs, upstream};

const CONNECTORS: [usize; 3] = [1, 100, 10_000];

/// The cost over 10,000 connectors is at most so many times the cost over one (issue 12 of the project).
const FLAT: f64 = 1.05;

const SIZES: [usize; 3] = [1, 10, 100];

/// Each connection logs in by another connector, as far as there are enough.
pub fn connectors(size: Size) -> Result<Section> {
    let upstream = upstream::start()?;
    let text = written::plain(upstream);
    let mut daemons = Vec::new();
    for count in CONNECTORS {
        let all: Vec<_> = (0..count).map(|n| (format!("c{n:05}"), text.clone())).collect();
        daemons.push(programs::doorward(&all, &[])?);
    }
    let mut subjects: Vec<Subject> = Vec::new();
    for (count, daemon) in CONNECTORS.into_iter().zip(&daemons) {
        // Spread over all of them.
        let path = |n: usize| format!("/v1/connectors/c{:05}/authenticate", n * (count / CONNECTIONS).max(1) % count);
        let target = Target::paths(daemon.address, (0..CONNECTIONS).map(path).collect(), TOKEN);
        subjects.push(Subject::at(count.to_string(), daemon, target));
    }
    run(&mut subjects, size)?;
    let mut text = "### Connectors\n\nCPU time of a login without a script in a daemon with so many connectors; each of the console's \
                    connections uses another one.\n\n| connectors | CPU a login | times one | goal |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for subject in &subjects {
        let times = subject.times(&subjects[0]);
        let _ = writeln!(
            text,
            "| {} | {:.1} µs | {times:.2} | {} |",
            subject.name,
            subject.cpu(),
            judged(times, FLAT, 2, "")
        );
    }
    let points = subjects.iter().zip(CONNECTORS).map(|(subject, count)| (real(count), subject.cpu())).collect();
    let curves = vec![("no script".to_owned(), points)];
    Ok(Section { text, plots: vec![curve("connectors", "CPU time of a login by connectors", "connectors", curves)] })
}

pub fn replies(size: Size) -> Result<Section> {
    let upstream = upstream::start()?;
    let kinds = ["json", "xml", "html"].into_iter().flat_map(|format| SIZES.map(|size| (format, size)));
    let all: Vec<_> = kinds
        .clone()
        .map(|(format, size)| (format!("{format}-{size}"), written::reply(upstream, format, size)))
        .collect();
    let daemon = programs::doorward(&all, &[])?;
    let mut subjects: Vec<Subject> = all.iter().map(|(id, _)| Subject::connector(id.as_str(), &daemon, id)).collect();
    run(&mut subjects, Size { logins: size.logins / 4, ..size })?;
    let mut text =
        "### Replies\n\nCPU time of a login whose reply has so many KiB.\n\n| | 1 KiB | 10 KiB | 100 KiB |\n| --- | --- | --- | --- |\n"
            .to_owned();
    let mut curves = Vec::new();
    for of_format in subjects.chunks(SIZES.len()) {
        let format = of_format[0].name.split('-').next().unwrap_or_default().to_uppercase();
        let cells: Vec<String> = of_format.iter().map(|subject| format!("{:.0} µs", subject.cpu())).collect();
        let _ = writeln!(text, "| {format} | {} |", cells.join(" | "));
        curves.push((format, SIZES.iter().zip(of_format).map(|(size, it)| (real(*size), it.cpu())).collect()));
    }
    Ok(Section { text, plots: vec![curve("replies", "CPU time of a login by size of the reply", "KiB", curves)] })
}

fn curve(name: &'static str, title: &str, x: &'static str, curves: Vec<(String, Vec<(f64, f64)>)>) -> Plot {
    Plot { name, title: title.to_owned(), x, y: "µs", what: Drawn::Curves(curves) }
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn real(count: usize) -> f64 {
    count as f64
}
