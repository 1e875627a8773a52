//! What a login costs by kind, beside the same login written by hand and the same login of others.

use std::fmt::Write as _;

use anyhow::Result;

use super::load::Target;
use super::plot::{Drawn, Plot};
use super::programs::DOOR_TOKEN;
use super::report::{Section, judged};
use super::subject::{CONNECTIONS, Goal, Subject, measure as run};
use super::{Size, connectors, peers, programs, upstream};

/// Name, connector and goal (issue 12 of the project).
const KINDS: [(&str, &str, Goal); 5] = [
    ("Doorward, no script", "plain", Goal::Times(1.0)),
    ("Doorward, a variables script", "variables", Goal::Times(1.5)),
    ("Doorward, both scripts", "both", Goal::Times(1.9)),
    ("Doorward, AES reply of 32 KiB", "sealed", Goal::Micros(1_000.0)),
    ("Doorward, RSA password", "rsa", Goal::None),
];

/// A login through a door is at most so many times the same login over the API.
const DOOR: f64 = 1.05;

pub fn measure(size: Size) -> Result<Section> {
    let upstream = upstream::start()?;
    let handwritten = programs::handwritten(upstream)?;
    let daemon = programs::doorward(&connectors::kinds(upstream), &[("plain", connectors::DOOR)])?;
    let mut subjects = vec![Subject::new("by hand, axum and reqwest", &handwritten, "/login")];
    for (name, id, goal) in KINDS {
        subjects.push(Subject::connector(name, &daemon, id).goal(goal));
    }
    let asked = Target::http(daemon.address, "/door/plain", "").showing(format!("X-Door-Key: {DOOR_TOKEN}"));
    subjects.push(Subject::at("Doorward, no script, through a door", &daemon, asked).goal(Goal::Api(DOOR)));
    let peers = peers::start(upstream, size)?;
    subjects.extend(peers.running.iter().map(peers::Peer::subject));
    run(&mut subjects, size)?;
    let mut text = format!(
        "### A login\n\nCPU time of the process tree; {CONNECTIONS} in flight; medians of {} rounds of {} logins.\n\n\
         | | CPU a login | times by hand | goal | logins/s |\n| --- | --- | --- | --- | --- |\n",
        size.rounds, size.logins
    );
    for subject in &subjects {
        let times = subject.times(&subjects[0]);
        let goal = match subject.goal {
            Goal::None => String::new(),
            Goal::Times(most) => judged(times, most, 1, ""),
            Goal::Api(most) => {
                let times = subject.times(&subjects[1]);
                format!("{times:.2} times the API: {}", judged(times, most, 2, ""))
            }
            Goal::Micros(most) => judged(subject.cpu(), most, 0, " µs"),
        };
        let _ = writeln!(
            text,
            "| {} | {:.1} µs | {times:.2} | {goal} | {:.0} |",
            subject.name,
            subject.cpu(),
            subject.rate()
        );
    }
    for why in &peers.left_out {
        let _ = writeln!(text, "\n{why}");
    }
    let bars = subjects.iter().map(|subject| (subject.name.clone(), subject.cpu())).collect();
    let title = "CPU time of a login".to_owned();
    let plot = Plot { name: "logins", title, x: "µs", y: "", what: Drawn::Bars(bars) };
    Ok(Section { text, plots: vec![plot] })
}
