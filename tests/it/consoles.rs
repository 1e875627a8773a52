//! Real consoles that ask the daemon's doors (`make test-consoles` names the folder of their kits in `DOORWARD_CONSOLES`): a right
//! and a wrong password, an odd name, an upstream that is down. Without it a test says so in one line and goes on.

use std::path::PathBuf;
use std::process::Command;

use crate::doors::lab::{KEY, Lab, shipped};

/// A console that was started, and is stopped when dropped.
struct Kit {
    folder: PathBuf,
    door: String,
}

impl Kit {
    fn start(name: &str, door: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("DOORWARD_CONSOLES") else {
            println!("not asked for: `make test-consoles` tests with real consoles");
            return None;
        };
        let kit = Self { folder: PathBuf::from(folder).join(name), door: door.to_owned() };
        let started = kit.command("start.sh").output().unwrap();
        if !started.status.success() {
            println!("left out: {name} does not start here: {}", String::from_utf8_lossy(&started.stderr).trim());
            return None;
        }
        Some(kit)
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(self.folder.join(script));
        command.env("DOOR", &self.door).env("DOOR_TOKEN", KEY).env_remove("FORWARD");
        command
    }

    /// `accepted`, `refused` or `challenged`, and what the console said.
    fn ask(&self, user: &str, password: &str) -> (String, String) {
        let output = self.command("ask.sh").args([user, password]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        (text(output.stdout), text(output.stderr))
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let _ = self.command("stop.sh").output();
    }
}

async fn plays(kit: &str, door: &str, says: impl Fn(&str, &str)) {
    let yaml = shipped(door);
    let line = yaml.lines().find(|line| line.starts_with("caller: ")).unwrap();
    let client = line.split("client: ").nth(1).unwrap().split([',', ' ']).next().unwrap();
    let edge = yaml.replace(&format!("client: {client}"), "client: edge");
    let lab = Lab::start(&[(door, &edge)]).await;
    let Some(kit) = Kit::start(kit, &lab.daemon.base) else { return };
    for (user, password, word) in [
        ("zhangsan", "123456", "accepted"),
        ("zhangsan", "wrong", "refused"),
        ("o'\"&%41=王 x", "123456", "accepted"),
        ("down", "123456", "refused"),
        (" ADMIN", "x", if door == "nginx" || door == "envoy" { "accepted" } else { "refused" }),
    ] {
        let before = lab.asked();
        let (heard, said) = kit.ask(user, password);
        assert_eq!(heard, word, "{door} {user:?}: {said}\n{}", lab.daemon.log());
        assert!(lab.asked() > before, "{door} {user:?} was not asked about: {said}");
        says(user, &said);
    }
    drop(kit);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx() {
    plays("nginx", "nginx", |user, said| {
        assert!(!said.contains("forged"), "{said}");
        assert!(user != "zhangsan" || said.contains("[zhangsan]") || said.contains("401"), "{said}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy() {
    plays("envoy", "envoy", |_, said| assert!(!said.contains("forged"), "{said}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freeradius() {
    plays("freeradius", "freeradius", |_, _| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq() {
    plays("rabbitmq", "rabbitmq", |_, _| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_mail() {
    plays("nginx-mail", "nginx-mail", |_, _| {}).await;
}
