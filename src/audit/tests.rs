//! The line, and the file behind it.

use std::fs;
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
            mute: false,
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
    trail.place().unwrap().write(format!("{line}\n").into_bytes());
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
        assert_eq!(trail.place().is_err(), refused, "{policy:?}");
        assert_eq!(trail.refuses(), refused, "{policy:?}");
        trail.close();
        assert!(metrics.text().contains("doorward_audit_lines_lost_total 1\n"), "{policy:?}");
    }
}
