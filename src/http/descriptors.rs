//! Whether connections and logins fit into the files that the process may have open.
//!
//! Each connection of a caller is one, each login has one towards its upstream, and kept connections of upstreams are as many
//! again at most. Without regard to the system's limit, callers that send nothing would take the files that logins need.

use crate::config::Limits;

/// Standard streams, listeners, the runtime, the resolver, log and audit trail, files that are read.
const FIXED: u64 = 64;

/// Of a script worker: three pipes, two files to watch it by, its process; twice, because a reload starts new ones first.
/// Workers that wait until a connector's own group is called are not counted: kept connections leave room for them.
const WORKER: u64 = 2 * 6;

/// Fewer of either are no daemon.
const MIN_CONNECTIONS: u64 = 16;

/// The limit is too low to serve a single connection.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may open {files} files, and it needs {needed} to serve at all: raise the hard limit \
     (LimitNOFILE= of systemd, --ulimit nofile= of a container, ulimit -Hn of a shell)"
)]
pub struct TooFew {
    files: u64,
    needed: u64,
}

/// The limits that fit into `files`; the same ones when all do. A connection takes one file, a login two.
pub fn fit(limits: Limits, workers: usize, files: u64) -> Result<Limits, TooFew> {
    let fixed = FIXED + WORKER * workers as u64;
    let (connections, in_flight) = (limits.connections as u64, limits.in_flight as u64);
    if fixed + connections + 2 * in_flight <= files {
        return Ok(limits);
    }
    let spare = files.saturating_sub(fixed);
    if spare < 4 * MIN_CONNECTIONS {
        return Err(TooFew { files, needed: fixed + 4 * MIN_CONNECTIONS });
    }
    // Half for logins at most, and what they do not need for connections.
    let in_flight = in_flight.min(spare / 4);
    let connections = connections.min(spare - 2 * in_flight);
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Limits { connections: size(connections), in_flight: size(in_flight), ..limits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_made_smaller() {
        let fitted = |files| fit(Limits::default(), 4, files).map(|limits| (limits.connections, limits.in_flight)).ok();
        let usual = (Limits::default().connections, Limits::default().in_flight);
        assert_eq!(fitted(u64::MAX), Some(usual));
        assert_eq!(fitted(65_536), Some(usual));
        assert_eq!(fitted(4096), Some((1992, 996)));
        assert_eq!(fitted(256), Some((72, 36)));
        assert_eq!(fitted(100), None);
        for files in 0..70_000 {
            let Some((connections, in_flight)) = fitted(files) else { continue };
            assert!(FIXED + 4 * WORKER + connections as u64 + 2 * in_flight as u64 <= files, "{files}");
            assert!(connections >= 16 && in_flight >= 16, "{files}");
        }
    }
}
