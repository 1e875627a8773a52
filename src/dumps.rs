//! Prevents core dumps: passwords, tokens and keys are in the memory of the process in clear.
//!
//! A core size limit of zero keeps the kernel from writing a core file, but is ignored where cores are piped to a
//! program (core(5): systemd-coredump, apport). A process that is not dumpable is never dumped, and other processes of
//! the same user cannot read its memory by ptrace(2). execve(2) resets this, so every process sets it for itself.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process for good. False if the system refused any part of it.
pub fn forbid() -> bool {
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    not_dumpable() && limited
}

#[cfg(target_os = "linux")]
fn not_dumpable() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

/// Other systems have only the limit.
#[cfg(not(target_os = "linux"))]
fn not_dumpable() -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn a_process_leaves_no_core() {
        assert!(super::forbid());
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    }
}
