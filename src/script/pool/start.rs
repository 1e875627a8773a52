//! Starts a generation's crews, and finds out whose scripts keep one from starting.
//!
//! Inspection has compiled every script by itself. What then does not start is a worker that holds several connectors, for
//! want of memory or time; it is halved until the culprit stands alone, and everybody else runs.

use std::collections::HashSet;

use super::crew::{Awake, Crew};
use super::{Limits, Place, Pool, StartError, share};
use crate::script::{Source, Worker};

/// Ordinary lanes of a crew that sleeps: two, so that one may restart.
const LANES_OF_SLEEPERS: usize = 2;

/// A connector whose scripts no worker can hold.
#[derive(Debug)]
pub struct Lost {
    /// Its name.
    pub connector: String,
    /// Why.
    pub why: StartError,
}

struct Start {
    worker: Worker,
    limits: Limits,
    sources: Vec<Source>,
    awake: Awake,
    /// What is still to be started, the next one last.
    groups: Vec<Vec<usize>>,
    pool: Pool,
    lost: Vec<Lost>,
    /// A worker without scripts has started: what does not is at fault for itself.
    starts_at_all: bool,
}

pub(super) async fn each(worker: Worker, limits: Limits, sources: Vec<Source>) -> (Pool, Vec<Lost>) {
    let mut groups = share::groups(&sources);
    groups.reverse();
    let pool = Pool { crews: Vec::new(), places: vec![None; sources.len()], timed_out: 0.into() };
    let awake = Awake::default();
    let mut start = Start { worker, limits, sources, awake, groups, pool, lost: Vec::new(), starts_at_all: false };
    while let Some(group) = start.groups.pop() {
        match start.crew(&group).await {
            Ok(crew) => start.enter(&group, crew),
            Err(why) => start.fails(group, why).await,
        }
    }
    (start.pool, start.lost)
}

impl Start {
    async fn crew(&self, group: &[usize]) -> Result<Crew, StartError> {
        let sources = group.iter().map(|index| self.sources[*index].clone()).collect();
        let sleeps = !self.pool.crews.is_empty();
        let workers = if sleeps { self.limits.workers.min(LANES_OF_SLEEPERS) } else { self.limits.workers };
        let limits = Limits { workers, ..self.limits.clone() };
        Crew::start(&self.worker, &limits, sources, sleeps.then(|| self.awake.clone())).await
    }

    fn enter(&mut self, group: &[usize], crew: Crew) {
        let number = self.pool.crews.len();
        for (script, index) in group.iter().enumerate() {
            self.pool.places[*index] = Some(Place { crew: number, script });
        }
        self.pool.crews.push(crew);
    }

    async fn fails(&mut self, group: Vec<usize>, why: StartError) {
        let names = self.names(&group);
        let culprit = match &why {
            StartError::Script { id, .. } => self.sources.iter().find(|it| it.id == *id).map(|it| it.connector.clone()),
            _ => names.iter().next().filter(|_| names.len() == 1).cloned(),
        };
        if let Some(connector) = culprit {
            let others = group.into_iter().filter(|index| self.sources[*index].connector != connector);
            let others: Vec<usize> = others.collect();
            self.groups.extend((!others.is_empty()).then_some(others));
            self.lost.push(Lost { connector, why });
            return;
        }
        if !self.starts_at_all {
            let empty = Crew::start(&self.worker, &self.limits, Vec::new(), Some(self.awake.clone())).await;
            self.starts_at_all = empty.is_ok();
        }
        if self.starts_at_all {
            let half = names.iter().take(names.len() / 2).collect::<HashSet<_>>();
            let (left, right) = group.into_iter().partition(|index| half.contains(&self.sources[*index].connector));
            self.groups.extend([right, left]);
        } else {
            self.nothing_starts(group, &why);
        }
    }

    /// No worker starts, whatever it is to hold.
    fn nothing_starts(&mut self, group: Vec<usize>, why: &StartError) {
        let all: Vec<usize> = std::mem::take(&mut self.groups).into_iter().flatten().chain(group).collect();
        for connector in self.names(&all) {
            self.lost.push(Lost { connector, why: StartError::Nothing(why.to_string()) });
        }
    }

    fn names(&self, group: &[usize]) -> HashSet<String> {
        group.iter().map(|index| self.sources[*index].connector.clone()).collect()
    }
}
