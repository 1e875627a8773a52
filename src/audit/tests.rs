//! The line, and the file behind it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::{Audit, WhenFull};
use crate::flow::report::{StepEnd, StepReport};
use crate::metrics::Metrics;
use crate::secret::Secret;
use crate::verdict::{Reason, Reject};

fn report() -> Report {
    Report {
        connector: "demo".to_owned(),
        revision: "rev1".to_owned(),
        request_id: "r-1".to_owned(),
        account: "zhangsan\n\"".to_owned(),
        username: "zhangsan\n\"".to_owned(),
        verdict: Verdict::Reject(Reject::because(Reason::AccountLocked)),
        explain: "login: code is 423".to_owned(),
        steps: vec![StepReport {
            name: "login".to_owned(),
            factor: true,
            end: StepEnd::Ended,
            status: Some(200),
            unjudged_status: false,
            began: tokio::time::Instant::now(),
            took: Duration::from_millis(31),
            trace: None,
        }],
        credential_sends: 1,
        took: Duration::from_micros(40_999),
    }
}

fn call() -> Call<'static> {
    Call {
        at: "2025-03-01T08:00:00.1234Z".parse().unwrap(),
        client: "console",
        door: None,
        client_ip: "10.0.0.7".parse().ok(),
        test: false,
        left_out: 0,
    }
}

#[test]
fn a_line_is_one_json_object() {
    let text = String::from_utf8(line(&report(), &call(), &UserName::Clear)).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"time":"2025-03-01T08:00:00.123Z","request_id":"r-1","client":"console","connector":"demo","#,
            r#""revision":"rev1","verdict":"reject","reason":"account_locked","explain":"login: code is 423","#,
            r#""username":"zhangsan\n\"","client_ip":"10.0.0.7","#,
            r#""steps":[{"name":"login","end":"ended","status":200,"ms":31}],"credential_sends":1,"ms":40}"#,
            "\n"
        )
    );
}

#[test]
fn a_keyed_name_hides_the_name_and_stays_the_same() {
    let names = UserName::Hmac(Secret::from("Jefe"));
    // RFC 4231 section 4.3.
    assert_eq!(
        keyed(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let text = String::from_utf8(line(&report(), &call(), &names)).unwrap();
    assert!(!text.contains("zhangsan"));
    assert!(text.contains("\"username_hmac\":\""));
    assert_eq!(text, String::from_utf8(line(&report(), &call(), &names)).unwrap());
}

fn trail(file: &Path, change: impl FnOnce(&mut Audit)) -> (Trail, Arc<Metrics>) {
    let mut audit = Audit {
        file: file.to_owned(),
        max_size: 1 << 20,
        keep: 2,
        user_name: UserName::Clear,
        when_full: WhenFull::Continue,
    };
    change(&mut audit);
    let metrics = Arc::new(Metrics::new());
    (Trail::open(&audit, Arc::clone(&metrics)).unwrap(), metrics)
}

fn write(trail: &Trail, line: &str) {
    trail.reserve().unwrap().write(format!("{line}\n").into_bytes());
}

#[test]
fn lines_are_appended_and_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    for line in ["one", "two"] {
        let (trail, _) = trail(&file, |_| {});
        write(&trail, line);
        trail.close();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn it_rotates_between_lines_and_keeps_what_it_should() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    for number in 0..5 {
        let (trail, _) = trail(&file, |audit| audit.max_size = 10);
        write(&trail, &format!("line {number}"));
        trail.close();
    }
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!((read("audit.jsonl"), read("audit.jsonl.1"), read("audit.jsonl.2")).0, "line 4\n");
    assert_eq!((read("audit.jsonl.1"), read("audit.jsonl.2")), ("line 3\n".to_owned(), "line 2\n".to_owned()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[test]
fn a_moved_file_is_left_alone_after_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    let (trail, _) = trail(&file, |_| {});
    fs::rename(&file, directory.path().join("moved")).unwrap();
    trail.reopen();
    write(&trail, "new");
    trail.close();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new\n");
    assert_eq!(fs::read_to_string(directory.path().join("moved")).unwrap(), "");
}

/// `/dev/full` answers every write with "no space left on device".
#[test]
fn a_full_disk_follows_the_policy() {
    for (policy, refused) in [(WhenFull::Continue, false), (WhenFull::Refuse, true)] {
        let (trail, metrics) = trail(Path::new("/dev/full"), |audit| audit.when_full = policy);
        write(&trail, "lost");
        while trail.healthy() {
            std::thread::yield_now();
        }
        assert_eq!(trail.reserve().is_err(), refused, "{policy:?}");
        assert_eq!(trail.refuses(), refused, "{policy:?}");
        trail.close();
        assert!(metrics.text().contains("doorward_audit_lines_lost_total 1\n"), "{policy:?}");
    }
}

/// A pipe that is never read stands for a disk that hangs. It is opened for reading, too, or opening it would wait already.
fn full_pipe(directory: &Path) -> (std::path::PathBuf, File) {
    let path = directory.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = File::options().read(true).write(true).open(&path).unwrap();
    rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
    while (&reader).write(&[b'x'; 4096]).is_ok() {}
    while (&reader).write(b"x").is_ok() {}
    (path, reader)
}

#[tokio::test]
async fn under_refuse_an_accept_waits_for_its_line_and_a_stuck_write_is_a_failed_one() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut reader) = full_pipe(directory.path());
    let (trail, _) = trail(&path, |audit| audit.when_full = WhenFull::Refuse);
    assert!(!trail.refuses(), "the write has not timed out yet");
    assert!(!trail.reserve().unwrap().write_durably(b"accept\n".to_vec()).await, "its line is not written");
    // The write goes on for more than a second: no accept is answered any more.
    assert!(trail.reserve().is_err() && trail.refuses() && !trail.healthy());
    // The pipe is emptied, and all is well again.
    let mut written = String::new();
    while !written.ends_with("accept\n") {
        let mut bytes = vec![0; 65_536];
        let count = reader.read(&mut bytes).unwrap_or(0);
        written.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    while trail.refuses() {
        std::thread::yield_now();
    }
    assert!(trail.reserve().unwrap().write_durably(b"next\n".to_vec()).await);
    let mut bytes = [0; 100];
    let count = reader.read(&mut bytes).unwrap();
    assert_eq!(&bytes[..count], b"next\n", "it is there before the caller hears of it");
}

#[tokio::test]
async fn under_continue_nobody_waits() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _reader) = full_pipe(directory.path());
    let (trail, _) = trail(&path, |_| {});
    assert!(trail.reserve().unwrap().write_durably(b"accept\n".to_vec()).await);
}

/// logrotate's copytruncate makes the file shorter while it is open.
#[test]
fn a_file_that_was_made_shorter_is_not_filled_with_nuls() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    let (trail, _) = trail(&file, |audit| audit.max_size = 20);
    let lines = |text: &str| while fs::read_to_string(&file).unwrap() != text {};
    write(&trail, "a line of it");
    lines("a line of it\n");
    File::options().write(true).open(&file).unwrap().set_len(0).unwrap();
    write(&trail, "after it");
    lines("after it\n");
    trail.close();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "the size is the file's, so nothing rotates");
}

/// The file of a running daemon may be removed, by hand or by a clean-up job.
#[test]
fn a_file_that_was_removed_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    let (trail, _) = trail(&file, |_| {});
    write(&trail, "gone with the file");
    while fs::read_to_string(&file).unwrap().is_empty() {}
    fs::remove_file(&file).unwrap();
    write(&trail, "after it");
    trail.close();
    assert_eq!(fs::read_to_string(&file).unwrap(), "after it\n");
}

/// No new file could be made (a full disk, too many open files), and every further try would move the old ones once more.
#[test]
fn a_rotation_that_is_tried_again_moves_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let file = path("audit.jsonl");
    let (trail, _) = trail(&file, |audit| {
        audit.max_size = 10;
        audit.keep = 3;
    });
    write(&trail, "larger than that");
    while fs::read_to_string(&file).unwrap().is_empty() {}
    // As the first try left it.
    fs::rename(&file, path("audit.jsonl.1")).unwrap();
    fs::write(path("audit.jsonl.3"), "oldest\n").unwrap();
    write(&trail, "after it");
    trail.close();
    let text = |name: &str| fs::read_to_string(path(name)).ok();
    assert_eq!(text("audit.jsonl").as_deref(), Some("after it\n"));
    assert_eq!(text("audit.jsonl.1").as_deref(), Some("larger than that\n"));
    assert_eq!((text("audit.jsonl.2"), text("audit.jsonl.3").as_deref()), (None, Some("oldest\n")));
}

#[test]
fn what_is_taken_back_never_makes_a_file_longer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let file = File::options().create(true).append(true).open(&path).unwrap();
    for (length, before, whole, after) in [(10, 7, true, 7), (7, 7, true, 7), (5, 7, false, 5), (0, 7, true, 0)] {
        file.set_len(length).unwrap();
        assert_eq!(super::trail::take_back(&file, before), whole);
        assert_eq!(file.metadata().unwrap().len(), after);
    }
}

/// The daemon was killed in the middle of a write.
#[test]
fn a_part_of_a_line_stays_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.jsonl");
    fs::write(&file, "whole\npart").unwrap();
    let (trail, _) = trail(&file, |_| {});
    write(&trail, "new");
    write(&trail, "newer");
    trail.close();
    assert_eq!(fs::read_to_string(&file).unwrap(), "whole\npart\nnew\nnewer\n");
}
