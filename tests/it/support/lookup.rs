//! A resolver that answers what a test wants, in order.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use doorward::upstream::{Lookup, LookupFuture};

/// Answers in order; after the last one names do not exist.
pub struct Answers {
    left: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
    silent: bool,
}

impl Answers {
    pub fn of(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().rev().map(|one| one.iter().map(|addr| addr.parse().unwrap()).collect()).collect();
        Arc::new(Self { left: Mutex::new(answers), asked: Mutex::default(), silent: false })
    }

    /// Never answers.
    pub fn silent() -> Arc<Self> {
        Arc::new(Self { left: Mutex::default(), asked: Mutex::default(), silent: true })
    }

    /// The names that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Lookup for Answers {
    fn lookup(&self, name: &str) -> LookupFuture {
        self.asked.lock().unwrap().push(name.to_owned());
        if self.silent {
            return Box::pin(std::future::pending());
        }
        let answer = self.left.lock().unwrap().pop();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}
