//! CPU time and memory of a worker, from files of proc(5) that are opened before the worker becomes undumpable.
//!
//! A worker that may hold passwords is not dumpable. Where /proc hides other processes (`hidepid`; ProtectProc= of
//! systemd) the daemon cannot open its files any more, but it can still read those that it opened before.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::process::Pid;

/// Clock ticks a second in /proc: 100 on every Linux that Rust runs on (proc(5), `sysconf(_SC_CLK_TCK)`).
const CLOCK_TICKS: u64 = 100;

/// The two files of a process. Without them only its wall time is limited.
#[derive(Debug, Default)]
pub(super) struct Usage {
    stat: Option<File>,
    status: Option<File>,
}

impl Usage {
    /// Must be called before the worker gets its first frame.
    pub(super) fn of(pid: Pid) -> Self {
        let open = |name| File::open(format!("/proc/{}/{name}", pid.as_raw_nonzero())).ok();
        Self { stat: open("stat"), status: open("status") }
    }

    /// User and system time: fields 14 and 15 of /proc/pid/stat, in clock ticks.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        let text = read(self.stat.as_ref()?)?;
        // The second field is the program's name in brackets and may hold anything.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some(Duration::from_millis((user + system) * 1000 / CLOCK_TICKS))
    }

    /// Resident bytes: the line `VmRSS` of /proc/pid/status.
    pub(super) fn resident(&self) -> Option<u64> {
        let text = read(self.status.as_ref()?)?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

/// The kernel writes the text anew for each read from the start. Both files are far shorter than the buffer.
fn read(file: &File) -> Option<String> {
    let mut text = [0; 4096];
    let count = file.read_at(&mut text, 0).ok()?;
    Some(String::from_utf8_lossy(text.get(..count)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_something() {
        let own = Usage::of(rustix::process::getpid());
        assert!(own.resident().unwrap() > 1 << 20);
        let before = own.cpu_time().unwrap();
        while own.cpu_time().unwrap() == before {}
    }

    #[test]
    fn a_process_that_ended_tells_nothing() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let usage = Usage::of(pid);
        assert!(usage.cpu_time().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((usage.cpu_time(), usage.resident()), (None, None));
    }
}
