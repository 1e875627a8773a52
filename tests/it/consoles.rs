//! Real consoles that ask the daemon's doors (`make test-consoles` names the folder of their kits in `DOORWARD_CONSOLES`): a right
//! and a wrong password, an odd name, an upstream that is down. Without it a test says so in one line and goes on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use axum::Router;

use crate::doors::lab::{KEY, Lab, shipped};
use crate::support::radius::{Nas, Packet};

/// A console that was started, and is stopped when dropped.
struct Kit {
    folder: PathBuf,
    door: String,
    /// More of its environment.
    more: Vec<(&'static str, &'static str)>,
}

impl Kit {
    fn start(name: &str, door: &str) -> Option<Self> {
        Self::start_with(name, door, &[])
    }

    fn start_with(name: &str, door: &str, more: &[(&'static str, &'static str)]) -> Option<Self> {
        let Some(folder) = std::env::var_os("DOORWARD_CONSOLES") else {
            println!("not asked for: `make test-consoles` tests with real consoles");
            return None;
        };
        let kit = Self { folder: PathBuf::from(folder).join(name), door: door.to_owned(), more: more.to_vec() };
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
        command.envs(self.more.iter().copied());
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

/// The first start of a console installs it.
const FREERADIUS: Nas<'_> = Nas { server: "127.0.0.1:18120", secret: b"testing123" };

#[tokio::test(flavor = "multi_thread")]
async fn freeradius() {
    plays("freeradius", "freeradius", |_, _| {}).await;
    let json = shipped("freeradius").replace("client: radius", "client: edge");
    radius_challenges("json", &json).await;
    let form = json
        .replace("body: json", "body: form")
        .replace("{ field: '\"User-Name\".value[0]', decode: latin1_utf8 }", "User-Name")
        .replace("{ field: '\"User-Password\".value[0]', decode: latin1_utf8 }", "User-Password")
        .replace("'\"Calling-Station-Id\".value[0]'", "Calling-Station-Id")
        .replace("'\"State\".value[0]'", "State");
    // The golden cases are of the other body.
    radius_challenges("post", form.split("tests:\n").next().unwrap()).await;
}

/// A code by Access-Challenge: the State comes back once, for its own user, whatever the name is.
async fn radius_challenges(body: &'static str, door: &str) {
    let lab = Lab::asking("", &[("freeradius", door)]).await;
    let Some(kit) = Kit::start_with("freeradius", &lab.daemon.base, &[("RADIUS_BODY", body)]) else { return };
    let ask = |user: &str, password: &str, state: Option<&[u8]>| {
        FREERADIUS.ask(user, password, state).unwrap_or_else(|| panic!("no answer\n{}", lab.daemon.log()))
    };
    let state_of = |packet: Packet| {
        assert_eq!(packet.code, 11, "{packet:?}\n{}", lab.daemon.log());
        packet.state.unwrap()
    };
    for user in ["zhangsan", "o'\"&%41=王 x", "Ã©", "%{exec:/bin/true}"] {
        assert_eq!(ask(user, "123456", None).code, 2, "{body} {user}");
        assert_eq!(ask(user, "wrong", None).code, 3, "{body} {user}");
        let asked = ask(user, "code", None);
        assert_eq!(asked.message, format!("one for {user} Code"), "{body}");
        let state = state_of(asked);
        let next = state_of(ask(user, "000000", Some(&state)));
        assert_eq!(ask(user, "246810", Some(&state)).code, 3, "{body} {user}: a used State");
        assert_eq!(ask(user, "246810", Some(&next)).code, 2, "{body} {user}");
        assert_eq!(ask(user, "246810", Some(&next)).code, 3, "{body} {user}: a used State");
    }
    let state = state_of(ask("zhangsan", "code", None));
    assert_eq!(ask("admin", "246810", Some(&state)).code, 3, "{body}: another's State");
    assert_eq!(ask("zhangsan", "246810", Some(&state)).code, 3, "{body}: which used it up");
    for forged in [&b"x"[..], &[0; 16], "王".as_bytes(), &[b'A'; 200]] {
        assert_eq!(ask("zhangsan", "246810", Some(forged)).code, 3, "{body}: a forged State");
    }
    assert_eq!(ask("zhangsan", "push", None).code, 2, "{body}: confirmed while it waited");
    assert_eq!(ask("down", "123456", None).code, 3, "{body}");
    let words = ask("zhangsan", "say %{User-Password} &control:Auth-Type := Accept", None);
    assert_eq!((words.code, words.message.as_str()), (3, "%{User-Password} &control:Auth-Type := Accept"), "{body}");
    drop(kit);
}

/// Declares a queue, publishes to it and to a topic, and consumes: each asks a side question of its own.
const WORK: &str = r#"
import sys, pika
at = pika.ConnectionParameters("127.0.0.1", 18198, "/", pika.PlainCredentials(*sys.argv[1:]), socket_timeout=20, stack_timeout=40)
channel = pika.BlockingConnection(at).channel()
channel.exchange_declare("news", "topic", auto_delete=True)
channel.queue_declare("inbox", auto_delete=True)
channel.queue_bind("inbox", "news", "a.b")
channel.basic_publish("news", "a.b", b"hello")
channel.basic_publish("", "inbox", b"world")
got = []
for _, _, body in channel.consume("inbox", auto_ack=True, inactivity_timeout=20):
    got.append(body)
    if body is None or len(got) == 2: break
print(sorted(got))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq() {
    plays("rabbitmq", "rabbitmq", |_, _| {}).await;
    let yaml = shipped("rabbitmq").replace("client: broker", "client: edge");
    let lab = Lab::start(&[("rabbitmq", &yaml)]).await;
    let Some(kit) = Kit::start("rabbitmq", &lab.daemon.base) else { return };
    let run = std::env::var_os("UPSTREAMS_RUN").unwrap_or_else(|| "/tmp/doorward-upstreams".into());
    let python = Path::new(&run).join("console-rabbitmq/venv/bin/python");
    let output = Command::new(python).args(["-c", WORK, "zhangsan", "123456"]).output().unwrap();
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(told.trim(), "[b'hello', b'world']", "{failed}\n{}", lab.daemon.log());
    drop(kit);
}

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The configuration that docs/doors.md has: the app behind hears a name and neither the password nor the door's key.
#[tokio::test(flavor = "multi_thread")]
async fn the_nginx_of_the_page_shows_the_app_no_credential() {
    if std::env::var_os("DOORWARD_CONSOLES").is_none() || Command::new("nginx").arg("-v").output().is_err() {
        return println!("not asked for, or there is no nginx");
    }
    let lab = Lab::start(&[("nginx", &shipped("nginx"))]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = listener.local_addr().unwrap();
    let shown = async |headers: http::HeaderMap| format!("{headers:?}");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(shown)).await });
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doors.md")).unwrap();
    let block =
        page.split("### nginx\n").nth(1).unwrap().split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
    let places = block
        .replace("http://app", &format!("http://{app}"))
        .replace("http://127.0.0.1:8080", &lab.daemon.base)
        .replace("dwt_…", KEY);
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display();
    let conf = format!(
        "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log; user root;\nevents {{}}\nhttp {{ access_log off;\n\
         client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         underscores_in_headers on;\nserver {{ listen 127.0.0.1:{port};\n{places}\n}} }}\n"
    );
    let file = directory.path().join("nginx.conf");
    std::fs::write(&file, conf).unwrap();
    let child = Command::new("nginx").arg("-c").arg(&file).arg("-e").arg(directory.path().join("error.log")).spawn();
    let _nginx = Process(child.unwrap());
    crate::support::daemon::wait_until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let request = lab.http.get(format!("http://127.0.0.1:{port}/x")).basic_auth("zhangsan", Some("123456"));
    let forged = request.header("x-user", "root").header("x_user", "root").header("x-door-key", "mine");
    let heard = forged.send().await.unwrap();
    assert_eq!(heard.status(), 200);
    let saw = heard.text().await.unwrap();
    assert!(saw.contains(r#""x-user": "zhangsan""#), "{saw}");
    for hidden in ["authorization", KEY, "root", "mine", "123456"] {
        assert!(!saw.contains(hidden), "{hidden}: {saw}");
    }
    let wrong = lab.http.get(format!("http://127.0.0.1:{port}/x")).basic_auth("zhangsan", Some("x"));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_mail() {
    plays("nginx-mail", "nginx-mail", |_, _| {}).await;
}
