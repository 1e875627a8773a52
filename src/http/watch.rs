//! Notices changes of connector files and of the configuration and has them read again.
//!
//! By a scan every two seconds rather than by inotify: the directory may be a volume of a container or a network share,
//! where events do not arrive, and a scan costs a few system calls. A change counts once two scans agree, so that a
//! half-written file is not read. Files outside the directory (scripts elsewhere, secrets) are read again with the next
//! reload; SIGHUP asks for one.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::attempt::App;
use crate::files;

/// A person who saved a file waits for this.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// On a network share each file costs a round trip.
const SCAN_TIMEOUT: Duration = Duration::from_secs(30);

/// Files and directories of one scan. More are not connectors, and must not delay the daemon.
const MAX_FILES: usize = 20_000;

/// A symlink could lead in a circle.
const MAX_DEPTH: usize = 8;

/// Path to inode, size and time of change, of what a symlink leads to.
type Scan = BTreeMap<PathBuf, (u64, u64, i64, i64)>;

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The directory of connector files.
    pub connectors: PathBuf,
    /// The directory of door files.
    pub doors: Option<PathBuf>,
    /// The configuration file.
    pub configuration: Option<PathBuf>,
}

/// Files that were looked at once.
pub struct WatchedFiles {
    watched: Watched,
    watch: Watch,
}

impl WatchedFiles {
    /// Looks at them: to be called before they are read, so that no change in between is missed.
    pub async fn look(watched: Watched) -> Self {
        Self { watch: Watch::from(scan(watched.clone()).await.unwrap_or_default()), watched }
    }
}

/// Reloads `app`'s configuration, connectors and doors whenever one of their files changed, until `stop`.
pub async fn files(files: WatchedFiles, app: Arc<App>, mut stop: tokio::sync::watch::Receiver<bool>) {
    let WatchedFiles { watched, mut watch } = files;
    let mut answers = true;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep_until(Instant::now() + POLL_INTERVAL) => {}
        }
        let scanned = scan(watched.clone()).await;
        match (std::mem::replace(&mut answers, scanned.is_some()), &scanned) {
            (false, Some(_)) => tracing::warn!("connector directory is readable again"),
            (true, None) => {
                tracing::error!("connector directory cannot be read in time; the previous connectors stay in use");
            }
            _ => {}
        }
        if scanned.is_some_and(|scan| watch.settled(scan)) {
            app.reload().await;
        }
    }
}

/// The scan when the files were last read, and the last scan.
struct Watch {
    read: Scan,
    last: Scan,
}

impl From<Scan> for Watch {
    fn from(first: Scan) -> Self {
        Self { read: first.clone(), last: first }
    }
}

impl Watch {
    /// Whether something changed and has stood still since the last scan: then it is to be read.
    fn settled(&mut self, now: Scan) -> bool {
        let settled = now == self.last && now != self.read;
        if settled {
            self.read.clone_from(&now);
        }
        self.last = now;
        settled
    }
}

/// `None` when the file system does not answer.
async fn scan(watched: Watched) -> Option<Scan> {
    let scanning = tokio::task::spawn_blocking(move || {
        let directory = watched.connectors.clone();
        files::within(&directory, SCAN_TIMEOUT, move || {
            let mut seen = Scan::new();
            // First, since directories may have more files than are looked at.
            watched.configuration.into_iter().for_each(|file| look(file, &mut seen));
            watched.doors.iter().for_each(|doors| walk(doors, 0, &mut seen));
            walk(&watched.connectors, 0, &mut seen);
            seen
        })
    });
    scanning.await.ok()?.ok()
}

fn walk(directory: &Path, depth: usize, seen: &mut Scan) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if seen.len() >= MAX_FILES {
            return;
        }
        let path = entry.path();
        if depth < MAX_DEPTH && std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            walk(&path, depth + 1, seen);
        }
        look(path, seen);
    }
}

fn look(path: PathBuf, seen: &mut Scan) {
    // Follows symlinks: a volume is swapped by turning one.
    if let Ok(metadata) = std::fs::metadata(&path) {
        seen.insert(path, (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(directory: &Path) -> Scan {
        let mut seen = Scan::new();
        walk(directory, 0, &mut seen);
        seen
    }

    /// A file that still grows is not read, however long that takes; what was written back is no change.
    #[test]
    fn a_half_written_file_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        std::fs::write(&file, "version: 1").unwrap();
        let mut watch = Watch::from(seen(directory.path()));
        let looks = |watch: &mut Watch| watch.settled(seen(directory.path()));
        assert!(!looks(&mut watch), "nothing changed");
        for length in 1..=5 {
            std::fs::write(&file, "version: 1\nsteps:\n".repeat(length)).unwrap();
            assert!(!looks(&mut watch), "it may grow on");
        }
        assert!(looks(&mut watch), "it stands still");
        assert!(!looks(&mut watch), "and is read once");
        std::fs::remove_file(&file).unwrap();
        assert!(!looks(&mut watch));
        assert!(looks(&mut watch), "a file that went is a change");
    }

    #[test]
    fn every_kind_of_change_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let mut looks = vec![seen(directory.path())];
        let mut changed = |what: &str| {
            let now = seen(directory.path());
            assert_ne!(looks.last(), Some(&now), "{what}");
            looks.push(now);
        };
        std::fs::write(path("a.yaml"), "1").unwrap();
        changed("a new file");
        std::fs::write(path("a.yaml"), "22").unwrap();
        changed("a longer file");
        std::fs::write(path("b"), "33").unwrap();
        std::fs::rename(path("b"), path("a.yaml")).unwrap();
        changed("a file that was moved into place");
        for version in ["v1", "v2"] {
            std::fs::create_dir(path(version)).unwrap();
            std::fs::write(path(version).join("c.yaml"), "same").unwrap();
        }
        std::os::unix::fs::symlink("v1", path("now")).unwrap();
        changed("a symlink");
        std::os::unix::fs::symlink("v2", path("next")).unwrap();
        let _ = seen(directory.path());
        std::fs::rename(path("next"), path("now")).unwrap();
        changed("a symlink that was turned");
        std::fs::remove_file(path("a.yaml")).unwrap();
        changed("a file that went");
        std::os::unix::fs::symlink(".", path("circle")).unwrap();
        assert!(seen(directory.path()).len() < 200, "a circle ends");
    }
}
