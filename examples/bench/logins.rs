//! What a login costs, beside the same login written by hand and the same login of nginx.
//!
//! Rounds are interleaved: in each, every program does the same number of logins, and a ratio is made of two neighbours of
//! one round. What else the machine does meanwhile hits all of them alike, and the median drops what did not.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::load::{self, Target};
use super::programs::{self, DOOR_TOKEN, Program, TOKEN};
use super::{cpu, upstream};

/// Connections of the console, each with one login on its way.
const CONNECTIONS: usize = 16;

/// A public key of 2048 bits.
const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtXVx3dD+eEpXjI1S3xxDZH/0ppI9B6fO4lqMJa1K5Y0ER0oj8S4EVytEcYhT2Ddv9T9NoeZQRVjTZuZ7N9LkLHq2dCdRgTMvjRpMAOyMyRZgSIUthvNKl7zysrI8YRyfm7miEX+1D5QR1i2yrnwtcmgZfxq+b8oTuGg4u2ZghLspjWwyC0/fUQVY5gmRqtqhoDvhonxeA+jC2VtjkTilqO0uhRLbOWdylRXwLtQdo1+xwPIEyqEb9ZZVtbeBVjAY2DVC0yOBqMd8b1vTOGwTpf2Mi9hlLNMgkOqiuxk9nz5USfjXlH4vwxHXU2mKWWLfy6qPEB8c3WVWL4E7FTAEWQIDAQAB";

const NO_SCRIPT: &str = "doorward, no script";

/// A door to the connector without a script, which answers as much as the API.
const DOOR: &str = r#"
version: 1
console:
  who: returned
  accepts: { all: [ { status: 200 }, { field: verdict, equals: accept } ] }
  refuses: { not: { status: 200 } }
connector: plain
at: { method: POST, path: /door/plain, body: json }
caller: { client: door, token: { header: X-Door-Key } }
login: { username: username, password: password }
replies:
  accept:
    status: 200
    json:
      verdict: accept
      connector: "{{accept.connector}}"
      request_id: "{{request.id}}"
      username: "{{accept.username}}"
      subject: "{{accept.subject}}"
      extension: "{{accept.extension}}"
      extension_text: "{{accept.extension_text}}"
      cookies: "{{accept.cookies}}"
  reject: { status: 403 }
  unavailable: { status: 503 }
"#;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rounds: usize,
    pub logins: usize,
}

/// One line of the table.
struct Subject {
    name: &'static str,
    goal: Goal,
    /// At most so many times another line.
    beside: Option<(&'static str, f64)>,
    pid: u32,
    target: Target,
    rounds: Vec<Round>,
}

/// What a login may cost.
#[derive(Debug, Clone, Copy)]
enum Goal {
    None,
    /// So many times the hand-written program (docs/contract.md section 11).
    Times(f64),
    /// CPU time, in microseconds.
    Micros(f64),
}

struct Round {
    /// A login, in microseconds.
    cpu: f64,
    wall: f64,
}

pub fn measure(size: Size) -> Result<()> {
    let upstream = upstream::start()?;
    let handwritten = programs::handwritten(upstream)?;
    let nginx = programs::nginx(upstream)?;
    let daemon = programs::doorward(&connectors(upstream), &[("plain", DOOR)])?;
    let mut subjects = vec![subject("hand-written (axum, reqwest)", Goal::None, &handwritten, "/login")];
    for (name, id, goal) in [
        (NO_SCRIPT, "plain", 1.3),
        ("doorward, variables script", "variables", 1.8),
        ("doorward, both scripts", "both", 2.3),
    ] {
        subjects.push(subject(name, Goal::Times(goal), &daemon, &format!("/v1/connectors/{id}/authenticate")));
    }
    // The same login, asked as a console asks that does not speak the API.
    let mut door = subject("doorward, through a door", Goal::None, &daemon, "/door/plain");
    door.target.credential = format!("X-Door-Key: {DOOR_TOKEN}");
    door.beside = Some((NO_SCRIPT, 1.05));
    subjects.push(door);
    for (name, id, goal) in [
        ("doorward, AES reply of 32 KiB", "sealed", Goal::Micros(1_000.0)),
        ("doorward, RSA password", "rsa", Goal::None),
    ] {
        subjects.push(subject(name, goal, &daemon, &format!("/v1/connectors/{id}/authenticate")));
    }
    match &nginx {
        Some(nginx) => subjects.push(subject("nginx with njs", Goal::None, nginx, "/login")),
        None => println!("nginx with njs cannot be had here (libnginx-mod-http-js): its line is left out"),
    }
    for subject in &mut subjects {
        subject.round(size.logins / 5)?;
        subject.rounds.clear();
    }
    for _ in 0..size.rounds {
        for subject in &mut subjects {
            subject.round(size.logins)?;
        }
    }
    print(&subjects, size);
    Ok(())
}

fn subject(name: &'static str, goal: Goal, program: &Program, path: &str) -> Subject {
    let credential = format!("Authorization: Bearer {TOKEN}");
    let target = Target { address: program.address, path: path.to_owned(), credential };
    Subject { name, goal, beside: None, pid: program.pid(), target, rounds: Vec::new() }
}

impl Subject {
    fn round(&mut self, logins: usize) -> Result<()> {
        let before = cpu::of_tree(self.pid);
        let wall = load::run(&self.target, CONNECTIONS, logins)?;
        let cpu = cpu::of_tree(self.pid).saturating_sub(before);
        self.rounds.push(Round { cpu: each(cpu, logins), wall: each(wall, logins) });
        Ok(())
    }
}

fn print(subjects: &[Subject], size: Size) {
    println!(
        "CPU time of the process tree a login; {CONNECTIONS} in flight; medians of {} rounds of {} logins",
        size.rounds, size.logins
    );
    println!("{:<30} {:>9} {:>15} {:>7} {:>12}", "", "CPU", "x hand-written", "goal", "logins/s");
    let Some(yardstick) = subjects.first() else { return };
    let nginx = subjects.iter().find(|subject| subject.name.starts_with("nginx"));
    for subject in subjects {
        let ratio = ratio(subject, yardstick);
        let cpu = median(subject.rounds.iter().map(|round| round.cpu));
        let rate = 1e6 / median(subject.rounds.iter().map(|round| round.wall));
        let met = |met: bool| if met { "  met" } else { "  MISSED" };
        let (goal, mut said) = match subject.goal {
            Goal::None => (String::new(), String::new()),
            Goal::Times(most) => (format!("{most:.1}"), met(ratio <= most).to_owned()),
            Goal::Micros(most) => (format!("{most:.0} µs"), met(cpu < most).to_owned()),
        };
        if let (Goal::Times(_), Some(nginx)) = (subject.goal, nginx) {
            let beside = self::ratio(subject, nginx);
            let _ = write!(said, ", {beside:.2} x nginx{}", if beside < 1.0 { "" } else { " MISSED" });
        }
        if let Some((name, goal)) = subject.beside
            && let Some(other) = subjects.iter().find(|other| other.name == name)
        {
            let beside = self::ratio(subject, other);
            let _ = write!(said, "  {beside:.2} x {name}, goal {goal}{}", if beside <= goal { "" } else { " MISSED" });
        }
        println!("{:<30} {cpu:>6.1} µs {ratio:>15.2} {goal:>7} {rate:>12.0}{said}", subject.name);
    }
}

/// The median of the ratios of each round.
fn ratio(of: &Subject, to: &Subject) -> f64 {
    median(of.rounds.iter().zip(&to.rounds).map(|(of, to)| of.cpu / to.cpu))
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn each(whole: Duration, count: usize) -> f64 {
    whole.as_secs_f64() * 1e6 / count as f64
}

/// One login, three ways to write it.
fn connectors(upstream: SocketAddr) -> Vec<(String, String)> {
    let filter = "{{user.userPassword | md5}}";
    let script = "    variables: env.md5Psw = code_util.md5(user.userPassword)\n";
    let preprocess = "      preprocess: result.msg = String(result.msg).trim()\n";
    let text = |variables: &str, password: &str, preprocess: &str| {
        format!(
            "version: 1\nsteps:\n  - name: login\n{variables}    request:\n      method: POST\n      \
             url: \"http://{upstream}/api/login\"\n      body:\n        json: {{ user-name: \"{{{{user.username}}}}\", \
             user-password: \"{password}\" }}\n    response:\n      format: json\n{preprocess}      reject:\n        \
             - {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }}\n        \
             - {{ when: {{ field: code, equals: 423 }}, reason: account_locked }}\n      \
             unavailable: {{ field: code, in: [-1, 400] }}\n      \
             success: {{ all: [{{ field: code, equals: 200 }}, {{ field: result.token, exists: true }}] }}\n      \
             identity: {{ field: result.loginName, match: ignore_case }}\n      \
             map: {{ error_code: code, error_message: msg, extension: result }}\n"
        )
    };
    let sealed = format!("      decrypt: {{ aes: {{ mode: cbc }}, key: \"{0}\", iv: \"{0}\" }}\n", upstream::KEY);
    // The reply is the same for all users.
    let identity = "      identity: { field: result.loginName, match: ignore_case }\n";
    let rsa = format!("{{{{user.userPassword | rsa(key='{RSA}')}}}}");
    vec![
        ("sealed".to_owned(), text("", filter, &sealed).replace("/api/login", "/api/sealed").replace(identity, "")),
        ("rsa".to_owned(), text("", &rsa, "").replace("/api/login", "/api/rsa")),
        ("plain".to_owned(), text("", filter, "")),
        ("variables".to_owned(), text(script, "{{env.md5Psw}}", "")),
        ("both".to_owned(), text(script, "{{env.md5Psw}}", preprocess)),
    ]
}
