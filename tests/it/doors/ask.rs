//! `doorward ask`, and what a console writes read back.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::lab::{KEY, Lab, alone, replaced, shipped};

fn ask(lab: &Lab, daemon: &str, more: &[&str], input: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(["ask", "--daemon", daemon, "--door"]).arg(lab.home.path("doors").join("local.yaml")).args(more);
    command.env("DOORWARD_TOKEN", KEY).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_runs_a_command_gets_zero_for_an_accept_and_for_nothing_else() {
    let lab = Lab::start(&[("local", &shipped("local").replace("client: local", "client: edge"))]).await;
    let base = lab.daemon.base.clone();
    for (more, input, code) in [
        (&[][..], "zhangsan\n123456\n", 0),
        (&[], "o'\"&%41=王 x\r\n123456", 0),
        (&["--username", "zhangsan"], "123456\0", 0),
        (&[], "zhangsan\nwrong\n", 1),
        (&[], " ADMIN\nx\n", 1),
        (&[], "zhangsan\n\n", 1),
        (&[], "down\nx\n", 3),
        (&[], "zhangsan", 64),
        (&[], "zhangsan\n123456\nmore\n", 64),
    ] {
        let (ended, told) = ask(&lab, &base, more, input);
        assert_eq!(ended, code, "{input:?}: {told}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(ask(&lab, &format!("http://{nobody}"), &[], "zhangsan\n123456\n").0, 3);
}

#[test]
fn what_a_console_writes_is_what_a_door_reads() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/doors")).unwrap();
    for file in files {
        let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let (door, told) = alone(&shipped(&name));
        let door = door.unwrap_or_else(|| panic!("{told}"));
        assert_eq!(door.misread(), Vec::<&str>::new(), "{name}");
        assert_eq!(door.strays(), Vec::<String>::new(), "{name}");
    }
    // A part of a list is not what was written.
    let cut = replaced(&shipped("nginx"), "username: { basic: username }", "username: { header: X-Name, hop: 1 }");
    let (door, told) = alone(&cut);
    assert!(door.is_none() && told.contains("door-mirror"), "{told}");
}
