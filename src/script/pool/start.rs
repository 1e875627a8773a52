//! Starts the crews of a generation, and finds the connectors whose scripts keep a worker from starting.
//!
//! Inspection has compiled every script alone, so a worker fails to start only because it holds too many together
//! (memory or time). Its group is then halved until the culprit is alone; all other connectors run.

use std::collections::HashSet;

use super::crew::{Crew, OnDemandSlots};
use super::{Limits, Pool, Slot, StartError, share};
use crate::script::{Source, Worker};

/// Ordinary lanes of an on-demand crew: two, so that one may restart.
const ON_DEMAND_LANES: usize = 2;

/// A connector whose scripts no worker can load.
#[derive(Debug)]
pub struct FailedConnector {
    pub connector: String,
    pub why: StartError,
}

struct Startup {
    worker: Worker,
    limits: Limits,
    sources: Vec<Source>,
    slots: OnDemandSlots,
    /// Groups not started yet; the next one is last.
    groups: Vec<Vec<usize>>,
    pool: Pool,
    failed: Vec<FailedConnector>,
    /// A worker without scripts has started, so a failure is due to the scripts.
    starts_at_all: bool,
}

pub(super) async fn each(worker: Worker, limits: Limits, sources: Vec<Source>) -> (Pool, Vec<FailedConnector>) {
    let mut groups = share::groups(&sources);
    groups.reverse();
    let pool = Pool { crews: Vec::new(), slots: vec![None; sources.len()], timed_out: 0.into() };
    let slots = OnDemandSlots::default();
    let mut startup =
        Startup { worker, limits, sources, slots, groups, pool, failed: Vec::new(), starts_at_all: false };
    while let Some(group) = startup.groups.pop() {
        match startup.crew(&group).await {
            Ok(crew) => startup.add(&group, crew),
            Err(why) => startup.narrow_down(group, why).await,
        }
    }
    (startup.pool, startup.failed)
}

impl Startup {
    async fn crew(&self, group: &[usize]) -> Result<Crew, StartError> {
        let sources = group.iter().map(|index| self.sources[*index].clone()).collect();
        let on_demand = !self.pool.crews.is_empty();
        let workers = if on_demand { self.limits.workers.min(ON_DEMAND_LANES) } else { self.limits.workers };
        let limits = Limits { workers, ..self.limits.clone() };
        Crew::start(&self.worker, &limits, sources, on_demand.then(|| self.slots.clone())).await
    }

    fn add(&mut self, group: &[usize], crew: Crew) {
        let number = self.pool.crews.len();
        for (script, index) in group.iter().enumerate() {
            self.pool.slots[*index] = Some(Slot { crew: number, script });
        }
        self.pool.crews.push(crew);
    }

    /// Takes the culprit out of a group that does not start if it is known, else halves the group.
    async fn narrow_down(&mut self, group: Vec<usize>, why: StartError) {
        let names = self.names(&group);
        let culprit = match &why {
            StartError::Script { id, .. } => self.sources.iter().find(|it| it.id == *id).map(|it| it.connector.clone()),
            _ => names.iter().next().filter(|_| names.len() == 1).cloned(),
        };
        if let Some(connector) = culprit {
            let others = group.into_iter().filter(|index| self.sources[*index].connector != connector);
            let others: Vec<usize> = others.collect();
            self.groups.extend((!others.is_empty()).then_some(others));
            self.failed.push(FailedConnector { connector, why });
            return;
        }
        if !self.starts_at_all {
            let empty = Crew::start(&self.worker, &self.limits, Vec::new(), Some(self.slots.clone())).await;
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

    /// No worker starts, even without scripts: every connector that is left fails.
    fn nothing_starts(&mut self, group: Vec<usize>, why: &StartError) {
        let all: Vec<usize> = std::mem::take(&mut self.groups).into_iter().flatten().chain(group).collect();
        for connector in self.names(&all) {
            self.failed.push(FailedConnector { connector, why: StartError::Nothing(why.to_string()) });
        }
    }

    fn names(&self, group: &[usize]) -> HashSet<String> {
        group.iter().map(|index| self.sources[*index].connector.clone()).collect()
    }
}
