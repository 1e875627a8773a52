//! No core file holds what a process knew: passwords, tokens and keys lie in its memory in clear.
//!
//! A limit of zero bytes keeps the kernel from writing a core file, and does not count where cores are piped to a program
//! (core(5): systemd-coredump, apport); a process that is not dumpable is handed to neither. It also keeps other processes of the
//! same user from reading this one's memory by ptrace(2). Both are lost with execve(2), so each process does it for
//! itself.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core files of this process, for good. True when the system agreed to all of it.
pub fn forbid() -> bool {
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    not_dumpable() && limited
}

#[cfg(target_os = "linux")]
fn not_dumpable() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

/// Elsewhere the limit is all there is.
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
