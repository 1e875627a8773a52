//! What a challenge costs: opened by one call, answered by a second, beside two logins with as many requests to the
//! upstream.

use anyhow::Result;

use super::load::Target;
use super::programs::TOKEN;
use super::report::{Section, judged};
use super::subject::{Subject, measure as run};
use super::{Size, connectors, programs, upstream};

/// At most so many times two logins (issue 12 of the project).
const GOAL: f64 = 1.3;

pub fn measure(size: Size) -> Result<Section> {
    let upstream = upstream::start()?;
    let daemon = programs::doorward(&connectors::kinds(upstream), &[])?;
    let opened = Target::challenge(daemon.address, "/v1/connectors/challenge/authenticate", TOKEN);
    let mut subjects = [
        Subject::connector("a login", &daemon, "plain"),
        // A round has half as many: one is two calls.
        Subject::at("a challenge, opened and answered", &daemon, opened),
    ];
    run(&mut subjects, Size { logins: size.logins / 2, ..size })?;
    let times = subjects[1].times(&subjects[0]) / 2.0;
    let text = format!(
        "### A challenge\n\nOpened and answered, state in memory: {:.1} µs, {times:.2} times two logins (goal: {}).\n",
        subjects[1].cpu(),
        judged(times, GOAL, 1, "")
    );
    Ok(Section { text, plots: Vec::new() })
}
