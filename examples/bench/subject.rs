//! What is measured: rounds of logins of one program, and ratios between programs.
//!
//! Rounds are interleaved: in each, every subject does the same number of logins, and a ratio is made of two neighbours of
//! one round. What else the machine does meanwhile hits all of them alike, and the median drops what did not.

use std::time::Duration;

use anyhow::Result;

use super::load::{self, Target};
use super::programs::{Program, TOKEN};
use super::{Size, cpu};

/// Connections of the console, each with one login on its way.
pub const CONNECTIONS: usize = 16;

/// One line of a table.
pub struct Subject {
    pub name: String,
    pub goal: Goal,
    pid: u32,
    target: Target,
    rounds: Vec<Round>,
}

/// What a login may cost.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    None,
    /// So many times the first subject.
    Times(f64),
    /// So many times the same login over the API, the second subject.
    Api(f64),
    /// CPU time, in microseconds.
    Micros(f64),
}

struct Round {
    /// A login, in microseconds.
    cpu: f64,
    wall: f64,
}

impl Subject {
    /// Logins of `program` at `path`.
    pub fn new(name: impl Into<String>, program: &Program, path: &str) -> Self {
        let target = Target::http(program.address, path, TOKEN);
        Self::at(name, program, target)
    }

    pub fn at(name: impl Into<String>, program: &Program, target: Target) -> Self {
        Self { name: name.into(), goal: Goal::None, pid: program.pid(), target, rounds: Vec::new() }
    }

    /// Logins of the daemon by a connector.
    pub fn connector(name: impl Into<String>, daemon: &Program, id: &str) -> Self {
        Self::new(name, daemon, &format!("/v1/connectors/{id}/authenticate"))
    }

    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    fn round(&mut self, logins: usize) -> Result<()> {
        let before = cpu::of_tree(self.pid);
        let wall = load::run(&self.target, CONNECTIONS, logins)?;
        let cpu = cpu::of_tree(self.pid).saturating_sub(before);
        self.rounds.push(Round { cpu: each(cpu, logins), wall: each(wall, logins) });
        Ok(())
    }

    /// CPU time of a login in microseconds, the median of the rounds.
    pub fn cpu(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu))
    }

    /// Logins a second.
    pub fn rate(&self) -> f64 {
        1e6 / median(self.rounds.iter().map(|round| round.wall))
    }

    /// The median of the ratios of each round.
    pub fn times(&self, other: &Self) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(of, to)| of.cpu / to.cpu))
    }
}

/// One round to warm up, which does not count, then all rounds.
pub fn measure(subjects: &mut [Subject], size: Size) -> Result<()> {
    for subject in subjects.iter_mut() {
        subject.round(size.logins / 5)?;
        subject.rounds.clear();
    }
    for _ in 0..size.rounds {
        for subject in subjects.iter_mut() {
            subject.round(size.logins)?;
        }
    }
    Ok(())
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn each(whole: Duration, count: usize) -> f64 {
    whole.as_secs_f64() * 1e6 / count as f64
}
