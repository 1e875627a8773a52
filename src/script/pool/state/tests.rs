//! Which call is next, by the state alone: no worker answers here.

use std::sync::Arc;

use tokio::net::unix::pipe::{self, pipe};
use tokio::sync::oneshot::Receiver;

use super::{Script, State, Todo};
use crate::script::pool::job::Job;
use crate::script::pool::live::Live;
use crate::script::usage::Usage;
use crate::script::{CallOutcome, Input, Limits, ScriptId};

/// A state with this many connectors of one script each.
fn state_of(connectors: usize) -> State {
    let scripts = (0..connectors).map(|_| Script::new(1, 0)).collect();
    State::new(Limits { workers: 2, ..Limits::default() }, scripts, connectors)
}

fn job(connector: usize) -> (Job, Receiver<CallOutcome>) {
    Job::new(ScriptId(0), connector, connector, &Input::new("{}"))
}

/// Takes the calls of the isolation queue in the order in which lanes would get them.
fn order(state: &mut State) -> Vec<usize> {
    std::iter::from_fn(|| state.next_isolated().and_then(|at| state.take_isolated(at)).map(|job| job.connector))
        .collect()
}

#[test]
fn neighbours_of_a_script_that_kills_go_before_its_own_calls() {
    let mut state = state_of(4);
    let mut answers = Vec::new();
    for connector in [0, 1, 0, 2, 1, 3] {
        let (job, answer) = job(connector);
        state.isolate(job);
        answers.push(answer);
    }
    state.record_kill(0);
    state.record_kill(1);
    assert_eq!(order(&mut state), [2, 3, 0, 1, 0, 1]);
}

#[test]
fn a_connector_has_one_call_on_the_isolation_lane() {
    let mut state = state_of(2);
    let answers: Vec<_> = [0, 0, 1].map(job).into_iter().map(|(job, answer)| (state.isolate(job), answer)).collect();
    state.isolation_busy.insert(0);
    assert_eq!(order(&mut state), [1]);
    state.isolation_busy.remove(&0);
    assert_eq!(order(&mut state), [0, 0]);
    drop(answers);
}

#[test]
fn a_call_without_a_caller_is_dropped_unless_its_worker_died() {
    let mut state = state_of(2);
    let (dropped, answer) = job(0);
    drop(answer);
    state.isolate(dropped);
    let (mut repeated, answer) = job(1);
    drop(answer);
    repeated.repeated = true;
    state.isolate(repeated);
    assert_eq!(order(&mut state), [1]);
    assert!(state.isolation_waiting.is_empty(), "the count of waiting calls follows");
}

/// Puts workers on both ordinary lanes; what is written to them stays in their pipes.
fn with_workers(state: &mut State) -> Vec<pipe::Receiver> {
    let lanes = state.lanes[..2].iter_mut();
    let ends = lanes.map(|lane| {
        let (input, end) = pipe().unwrap();
        lane.live = Some(Live::new(rustix::process::getpid(), Usage::default(), Arc::new(input)));
        end
    });
    ends.collect()
}

/// The connectors of the calls on each ordinary lane.
fn in_flight(state: &State) -> [Vec<usize>; 2] {
    let lane =
        |lane: usize| state.lanes[lane].live.iter().flat_map(|it| &it.in_flight).map(|it| it.job.connector).collect();
    [lane(0), lane(1)]
}

#[tokio::test]
async fn a_worker_has_one_call_at_most_of_a_slow_script() {
    for (slow, expected) in
        [(false, [[0, 0, 0, 1], [0, 0, 0, 1]].map(Vec::from)), (true, [[0, 1], [0, 1]].map(Vec::from))]
    {
        let mut state = state_of(2);
        let _ends = with_workers(&mut state);
        state.scripts[0].slow = slow;
        let answers: Vec<_> = [0, 0, 0, 0, 0, 0, 1, 1]
            .map(job)
            .into_iter()
            .map(|(job, answer)| {
                assert!(matches!(state.admit(job), Ok(Todo { .. })));
                answer
            })
            .collect();
        assert_eq!(in_flight(&state), expected, "slow: {slow}");
        drop(answers);
    }
}
