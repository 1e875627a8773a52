//! The nodes of one setting: origins tried in order, one a login, the next only when connecting failed.
//!
//! A node that could not be connected to goes to the end of the order for some seconds, so that a dead first node
//! costs one login its connect timeout and not every login. What was written is never sent to another node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::fault::SendFault;
use super::origin::Origin;
use crate::verdict::Cause;

/// How long a node stays last: a few logins are spared, and a node that came back is used soon.
const SET_BACK: Duration = Duration::from_secs(5);

/// Origins of one setting, in order.
#[derive(Debug)]
pub struct Nodes {
    origins: Box<[Origin]>,
    /// Milliseconds after `born` until which a node is tried last; 0 for a node in good standing.
    set_back: Box<[AtomicU64]>,
    born: Instant,
}

impl Nodes {
    /// Nodes in order of preference; `None` for none at all.
    pub fn new(origins: impl Into<Box<[Origin]>>) -> Option<Self> {
        let origins = origins.into();
        let set_back = origins.iter().map(|_| AtomicU64::new(0)).collect();
        (!origins.is_empty()).then(|| Self { origins, set_back, born: Instant::now() })
    }

    /// All of them, in the written order.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The node for a new login: the first in good standing, or the first.
    pub fn start(&self) -> Pick<'_> {
        self.start_at(Instant::now())
    }

    /// The node of a login that goes on after a challenge; it may still move to another, because every request may.
    /// An index of another revision falls back to a new start.
    pub fn resume(&self, index: usize) -> Pick<'_> {
        if index >= self.origins.len() {
            return self.start();
        }
        Pick { nodes: self, current: index, tried: vec![index] }
    }

    fn start_at(&self, now: Instant) -> Pick<'_> {
        let mut pick = Pick { nodes: self, current: 0, tried: Vec::new() };
        pick.advance(now);
        pick
    }

    fn is_set_back(&self, index: usize, now: Instant) -> bool {
        self.age(now) < self.set_back[index].load(Ordering::Relaxed)
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.born).as_millis()).unwrap_or(u64::MAX)
    }
}

/// The node of one login.
#[derive(Debug, Clone)]
pub struct Pick<'a> {
    nodes: &'a Nodes,
    current: usize,
    tried: Vec<usize>,
}

impl Pick<'_> {
    /// Where to send.
    pub fn origin(&self) -> &Origin {
        &self.nodes.origins[self.current]
    }

    /// Its place in the written order: what a challenge's state keeps.
    pub fn index(&self) -> usize {
        self.current
    }

    /// After a fault: true when another node is chosen and the same request may be sent there.
    pub fn next_after(&mut self, fault: &SendFault) -> bool {
        self.next_at(fault, Instant::now())
    }

    fn next_at(&mut self, fault: &SendFault, now: Instant) -> bool {
        let connecting_failed = !fault.written && matches!(fault.cause, Cause::Connect | Cause::Tls | Cause::Dns);
        if !connecting_failed {
            return false;
        }
        let until = self.nodes.age(now + SET_BACK);
        self.nodes.set_back[self.current].store(until, Ordering::Relaxed);
        self.advance(now)
    }

    /// To the first node that was not tried in this login, those in good standing before the others.
    fn advance(&mut self, now: Instant) -> bool {
        let untried = || (0..self.nodes.origins.len()).filter(|index| !self.tried.contains(index));
        let next = untried().find(|index| !self.nodes.is_set_back(*index, now)).or_else(|| untried().next());
        if let Some(next) = next {
            self.current = next;
            self.tried.push(next);
        }
        next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Nodes {
        Nodes::new(["http://a", "http://b", "http://c"].map(|text| Origin::parse(text).unwrap())).unwrap()
    }

    fn fault(cause: Cause, written: bool) -> SendFault {
        SendFault { cause, written, explain: String::new(), word: None }
    }

    #[test]
    fn in_order_and_each_once_a_login() {
        let nodes = nodes();
        let mut pick = nodes.start();
        assert_eq!(pick.origin().to_string(), "http://a");
        assert!(pick.next_after(&fault(Cause::Connect, false)));
        assert_eq!(pick.origin().to_string(), "http://b");
        assert!(pick.next_after(&fault(Cause::Dns, false)));
        assert_eq!(pick.index(), 2);
        assert!(!pick.next_after(&fault(Cause::Tls, false)));
        assert_eq!(pick.index(), 2);
    }

    #[test]
    fn never_after_a_byte_was_written_or_for_another_cause() {
        let nodes = nodes();
        for fault in [fault(Cause::Connect, true), fault(Cause::Overloaded, false), fault(Cause::Timeout, false)] {
            let mut pick = nodes.start();
            assert!(!pick.next_after(&fault));
            assert_eq!(pick.index(), 0);
        }
    }

    #[test]
    fn a_node_that_failed_is_last_for_a_while() {
        let nodes = nodes();
        let now = Instant::now();
        nodes.start_at(now).next_at(&fault(Cause::Connect, false), now);
        assert_eq!(nodes.start_at(now).index(), 1);
        assert_eq!(nodes.start_at(now + SET_BACK).index(), 0);
        let mut pick = nodes.start_at(now);
        assert!(pick.next_at(&fault(Cause::Connect, false), now));
        assert!(pick.next_at(&fault(Cause::Connect, false), now));
        assert_eq!(pick.index(), 0);
    }
}
