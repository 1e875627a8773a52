//! CPU time and memory of a process and everything below it, from proc(5).

use std::collections::HashMap;
use std::time::Duration;

/// The kernel's unit of times in /proc; 100 a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

struct Process {
    parent: u32,
    /// User and system time, its own and that of children that ended.
    ticks: u64,
}

/// User and system time of `root`, of its descendants, and of descendants that ended and were waited for.
pub fn of_tree(root: u32) -> Duration {
    let all = processes();
    let ticks: u64 = all.iter().filter(|(pid, _)| below(**pid, root, &all)).map(|(_, process)| process.ticks).sum();
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Resident KiB of one process.
pub fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn processes() -> HashMap<u32, Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return HashMap::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(|pid| Some((pid, process(pid)?))).collect()
}

fn process(pid: u32) -> Option<Process> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn below(pid: u32, root: u32, all: &HashMap<u32, Process>) -> bool {
    let mut at = pid;
    while at != root {
        match all.get(&at) {
            Some(process) if process.parent != 0 => at = process.parent,
            _ => return false,
        }
    }
    true
}
