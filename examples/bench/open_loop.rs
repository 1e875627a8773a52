//! An open loop: logins come at a rate of their own, whatever the program does meanwhile, as users do. How long one takes
//! counts from when it was due, so that a program that stalls pays for all who wait.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::load::{Connection, Target};

/// How long logins took, sorted.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// In milliseconds: `0.5` for the median.
    pub fn quantile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        let at = (self.0.len() as f64 * share) as usize;
        self.0.get(at.min(self.0.len().saturating_sub(1))).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
    }
}

/// Sends `rate` logins a second for `span`, in turn over `connections`.
pub fn run(target: &Target, connections: usize, rate: f64, span: Duration) -> Result<Latencies> {
    // All are open before the first login is due.
    let open: Vec<TcpStream> = (0..connections).map(|_| target.connect()).collect::<Result<_>>()?;
    let begun = Instant::now() + Duration::from_millis(50);
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let every = Duration::from_secs_f64(connections as f64 / rate);
    let mut all = Vec::new();
    thread::scope(|scope| {
        let share = 1.0 / f64::from(u32::try_from(connections).unwrap_or(u32::MAX));
        let threads: Vec<_> = (0_u32..)
            .zip(open)
            .map(|(number, stream)| {
                let first = begun + every.mul_f64(f64::from(number) * share);
                scope.spawn(move || one(Connection::over(stream, target, number as usize), first, every, begun + span))
            })
            .collect();
        for thread in threads {
            all.extend(thread.join().unwrap_or_else(|_| anyhow::bail!("the load panicked"))?);
        }
        anyhow::Ok(())
    })?;
    all.sort();
    Ok(Latencies(all))
}

fn one(mut connection: Connection<'_>, first: Instant, every: Duration, until: Instant) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut due = first;
    while due < until {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        connection.login()?;
        took.push(due.elapsed());
        due += every;
    }
    Ok(took)
}
