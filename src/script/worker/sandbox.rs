//! The sandbox that a worker enters: no files, no network, no processes, no core dumps, limited memory.
//!
//! It is a second layer of defence: the engine is memory-safe Rust, and scripts come from the operator. On a kernel
//! that lacks a part the others still apply; the worker reports with its first frame which parts do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The parts of the sandbox that a worker has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The system call filter is on: no new files, sockets, processes.
    pub seccomp: bool,
    /// Landlock denies every file, and TCP where the kernel knows that.
    pub landlock: bool,
    /// Resource limits are lowered, and the process leaves no core.
    pub limits: bool,
}

impl Sandbox {
    pub const WHOLE: Self = Self { seccomp: true, landlock: true, limits: true };

    /// The parts that both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            seccomp: self.seccomp && other.seccomp,
            landlock: self.landlock && other.landlock,
            limits: self.limits && other.limits,
        }
    }

    pub fn parts(self) -> [(&'static str, bool); 3] {
        [("seccomp", self.seccomp), ("landlock", self.landlock), ("limits", self.limits)]
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |on: bool| if on { "on" } else { "off" };
        write!(f, "seccomp {}, landlock {}, limits {}", word(self.seccomp), word(self.landlock), word(self.limits))
    }
}

/// The first part; must be called while there is one thread, because Landlock applies to threads that are started
/// later.
pub(super) fn enter() -> Sandbox {
    Sandbox { seccomp: false, landlock: os::landlock(), limits: os::limits() }
}

/// The part that hides the process from others, including the daemon.
pub(super) fn hide(mut sandbox: Sandbox) -> Sandbox {
    sandbox.limits &= os::hide();
    sandbox
}

/// The last part, when all threads exist.
pub(super) fn seal(mut sandbox: Sandbox) -> Sandbox {
    sandbox.seccomp = os::seccomp();
    sandbox
}

/// Limits the growth of the address space to `bytes` from here on. Called when all scripts are compiled.
pub(super) fn limit_memory(bytes: u64) {
    os::limit_memory(bytes);
}

#[cfg(target_os = "linux")]
mod os {
    use std::collections::BTreeMap;
    use std::sync::OnceLock;

    use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch, apply_filter_all_threads,
    };

    use crate::dumps;

    /// Open files: the three standard streams, and one to read the size of the process; some spare.
    const FILES: u64 = 8;

    /// The limit until the scripts are compiled: room for a thousand of them.
    const STARTING: u64 = 512 * 1024 * 1024;

    /// `/proc/self/status`, opened while files can be opened.
    static STATUS: OnceLock<std::fs::File> = OnceLock::new();

    pub(super) fn limits() -> bool {
        let lowered = [lower(Resource::Core, 0), lower(Resource::Nofile, FILES), lower(Resource::Fsize, 0)];
        limit_memory(STARTING);
        lowered.into_iter().all(|it| it)
    }

    pub(super) fn hide() -> bool {
        dumps::forbid()
    }

    fn lower(resource: Resource, to: u64) -> bool {
        let now = getrlimit(resource);
        let to = now.maximum.map_or(to, |maximum| maximum.min(to));
        setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) }).is_ok()
    }

    pub(super) fn limit_memory(bytes: u64) {
        let Some(size) = address_space() else { return };
        lower(Resource::As, size.saturating_add(bytes));
    }

    /// Bytes of address space in use: the line `VmSize: 1234 kB` of proc(5).
    fn address_space() -> Option<u64> {
        use std::os::unix::fs::FileExt;
        let mut text = [0; 1024];
        let count = STATUS.get()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..count)?).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }

    pub(super) fn landlock() -> bool {
        let restrict = || {
            // Without a rule, every access handled here is denied.
            let ruleset = Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(ABI::V5))
                .and_then(|it| it.handle_access(AccessNet::from_all(ABI::V5)))
                .and_then(Ruleset::create);
            ruleset.and_then(landlock::RulesetCreated::restrict_self)
        };
        if let Ok(file) = std::fs::File::open("/proc/self/status") {
            let _ = STATUS.set(file);
        }
        restrict().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }

    pub(super) fn seccomp() -> bool {
        let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return false };
        let Some(rules) = rules() else { return false };
        // Any other call fails with EPERM instead of killing the process: a library that tries something harmless goes
        // on.
        let filter =
            SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow, arch);
        let program = filter.and_then(BpfProgram::try_from);
        program.is_ok_and(|program| apply_filter_all_threads(&program).is_ok())
    }

    /// The allowed system calls. Two are limited to the worker's own process, because the daemon has the same user id.
    fn rules() -> Option<BTreeMap<i64, Vec<SeccompRule>>> {
        let mut rules: BTreeMap<_, _> = allowed().into_iter().map(|call| (call, Vec::new())).collect();
        for (call, process) in [(libc::SYS_prlimit64, 0), (libc::SYS_tgkill, u64::from(std::process::id()))] {
            let own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, process).ok()?;
            rules.insert(call, vec![SeccompRule::new(vec![own]).ok()?]);
        }
        Some(rules)
    }

    /// For reading, writing, allocating, locking, the time, random numbers and exiting.
    fn allowed() -> Vec<i64> {
        vec![
            libc::SYS_read,
            libc::SYS_pread64,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_close,
            libc::SYS_brk,
            libc::SYS_mmap,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_mprotect,
            libc::SYS_madvise,
            libc::SYS_futex,
            libc::SYS_sched_yield,
            libc::SYS_clock_gettime,
            libc::SYS_getrandom,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_restart_syscall,
            libc::SYS_getpid,
            libc::SYS_getppid,
            libc::SYS_gettid,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ]
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    pub(super) fn limits() -> bool {
        false
    }

    pub(super) fn hide() -> bool {
        false
    }

    pub(super) fn limit_memory(_: u64) {}

    pub(super) fn landlock() -> bool {
        false
    }

    pub(super) fn seccomp() -> bool {
        false
    }
}
