//! Files that are none, files that are too much, and files that do not answer.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::mpsc::{Sender, sync_channel};

use super::*;

#[test]
fn only_regular_files_up_to_a_size_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("good"), "12345678").unwrap();
    std::fs::write(path("binary"), [0xff]).unwrap();
    std::os::unix::fs::symlink("good", path("link")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(path("socket")).unwrap();
    let outcome = |name: &str, most| match read_text(&path(name), most) {
        Ok(text) => text,
        Err(why) => why.to_string(),
    };
    assert_eq!(outcome("good", 8), "12345678");
    assert_eq!(outcome("link", 8), "12345678");
    assert_eq!(outcome("good", 7), "it is larger than 0 KiB");
    assert_eq!(outcome("binary", 8), "it is not UTF-8");
    assert_eq!(outcome("none", 8), "entity not found");
    assert_eq!(outcome("pipe", 8), "it is a named pipe, and only regular files are read");
    assert_eq!(outcome(".", 8), "it is a directory, and only regular files are read");
    // A socket cannot be opened at all.
    assert!(read(&path("socket"), 8).is_err());
    for device in ["/dev/zero", "/dev/null", "/dev/tty"] {
        let why = read(Path::new(device), 8).unwrap_err().to_string();
        // Without a terminal /dev/tty cannot be opened.
        assert!(why.contains("device") || device == "/dev/tty", "{device}: {why}");
    }
    // A file that says it is empty and is not.
    assert!(read(Path::new("/proc/self/status"), 8).is_err());
    assert!(!read(Path::new("/proc/self/status"), MAX_BYTES).unwrap().is_empty());
}

/// Work that stands until its end of the channel is dropped.
fn stand(path: &Path) -> (Sender<()>, Result<(), ReadError>) {
    #[expect(clippy::disallowed_methods, reason = "nothing is ever sent on it")]
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let stood = within(path, Duration::from_millis(1), move || {
        let _ = wait.recv();
    });
    (go, stood)
}

#[test]
fn a_file_that_does_not_answer_holds_one_thread_and_nobody_else() {
    let path = Path::new("/stalled");
    let (go, first) = stand(path);
    assert!(matches!(first, Err(ReadError::Stalled)));
    // The second fails at once: its work does not even begin.
    let (begun, begins) = sync_channel::<()>(1);
    let second = within(path, READ_TIMEOUT, move || drop(begun));
    assert!(matches!(second, Err(ReadError::Stalled)));
    assert_eq!(begins.recv(), Err(std::sync::mpsc::RecvError), "dropped, not run");
    // Others are read meanwhile.
    assert!(matches!(within(Path::new("/other"), READ_TIMEOUT, || 7), Ok(7)));
    // Once it answers it is tried again.
    drop(go);
    while !matches!(within(path, READ_TIMEOUT, || 7), Ok(7)) {
        thread::yield_now();
    }
}

#[test]
fn threads_do_not_pile_up() {
    let stood: Vec<_> = (0..MAX_BLOCKED).map(|number| stand(Path::new(&format!("/stalled/{number}")))).collect();
    assert!(stood.iter().all(|(_, result)| matches!(result, Err(ReadError::Stalled))));
    assert!(matches!(within(Path::new("/one/more"), READ_TIMEOUT, || 7), Err(ReadError::Crowded)));
    drop(stood);
    while !matches!(within(Path::new("/one/more"), READ_TIMEOUT, || 7), Ok(7)) {
        thread::yield_now();
    }
}

#[test]
fn work_that_panics_is_an_error() {
    assert!(matches!(within(Path::new("/panics"), READ_TIMEOUT, || panic!("x")), Err(ReadError::System(_))));
}
