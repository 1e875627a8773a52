//! `doorward ask`: a console that asks a door of a running daemon, for programs that run a command (OpenVPN, Apache
//! mod_authnz_external, `pam_exec`). The exit code says what the door's reading makes of the reply: 0 is an accept, and nothing
//! else is.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use doorward::diagnostic::Diagnostic;
use doorward::door::check::{ConnectorState, DoorContext, check};
use doorward::door::draft::RequestDraft;
use doorward::door::look::{ConsoleAnswer, SeenReply};
use doorward::door::plan::Door;
use doorward::files;
use doorward::request::ReplyParts;
use doorward::verdict::Truth;
use reqwest::Method;
use zeroize::Zeroizing;

use super::language::rendered;
use super::load;
use super::remote::{ConsoleReply, ConsoleRequest, Daemon};

/// Of a name and a password; a login may hold no more.
const MAX_INPUT: u64 = 64 * 1024;

/// `doorward ask`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The door's file, as the daemon has it
    #[arg(long, value_name = "FILE")]
    door: PathBuf,
    /// The user name; without it the first line of standard input. The (next) line is the password
    #[arg(long)]
    username: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
}

/// 0: the reply lets the user in; 1: it refuses; 2: it asks for more; 3: it is trouble, or nobody can tell. A mistake of the caller's
/// is an error, whose code is none of these.
pub fn run(options: Options) -> Result<ExitCode> {
    let door = match read_door(&options.door)? {
        Ok(door) => door,
        Err(mistakes) => {
            anstream::eprint!("{}", rendered(&mistakes));
            return Ok(ExitCode::from(super::MISCONFIGURED));
        }
    };
    let input = standard_input()?;
    let (username, password) = typed(options.username.as_deref(), &input)?;
    let (client, token) = options.daemon.console()?;
    let mut draft = RequestDraft::default();
    let mut sendable = draft.put(&door.login.username, username);
    if let Some(source) = &door.login.password {
        sendable &= draft.put(source, password);
    }
    if let Some(source) = &door.token {
        // The daemon compares its hash; it leaves for the daemon that was named and nobody else.
        sendable &= draft.put(source, token.expose());
    }
    ensure!(sendable, "this user name or password cannot stand where the door takes it");
    let query = draft.query();
    let target = if query.is_empty() { door.at.path.clone() } else { format!("{}?{query}", door.at.path) };
    let (headers, body) = (draft.headers(), draft.body(door.at.body));
    let method = door.at.method.clone().unwrap_or(Method::GET);
    let request = ConsoleRequest { method, target, headers, body };
    let reply = load::runtime()?.block_on(client.as_console(request));
    Ok(match reply.map(|reply| heard(&door, reply)) {
        Ok(Heard { answer: ConsoleAnswer::Accepts, .. }) => ExitCode::SUCCESS,
        Ok(Heard { answer: ConsoleAnswer::Refuses, trouble: false }) => ExitCode::from(1),
        Ok(Heard { answer: ConsoleAnswer::Asks, .. }) => ExitCode::from(2),
        Ok(_) => ExitCode::from(super::UNAVAILABLE),
        Err(error) => {
            anstream::eprintln!("doorward: {error:#}");
            ExitCode::from(super::UNAVAILABLE)
        }
    })
}

fn read_door(path: &std::path::Path) -> Result<std::result::Result<Door, Vec<Diagnostic>>> {
    let text = files::read_text(path, files::MAX_BYTES);
    let text = text.map_err(|why| anyhow::anyhow!("{} cannot be read: {why}", path.display()))?;
    let context = DoorContext { clients: None, connector: &|_| ConnectorState::NotAsked };
    let checked = check(path, text, &context);
    Ok(checked.door.ok_or(checked.diagnostics))
}

/// What the door's reading makes of a reply.
struct Heard {
    answer: ConsoleAnswer,
    trouble: bool,
}

fn heard(door: &Door, reply: ConsoleReply) -> Heard {
    let headers = reply.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let parts = ReplyParts { headers, body: reply.body.into() };
    let judged = door.reading.judge(&SeenReply::new(reply.status, &parts, &door.reading, false));
    Heard { answer: door.reading.answer(judged), trouble: judged.trouble == Truth::True }
}

fn standard_input() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes).context("standard input cannot be read")?;
    ensure!(u64::try_from(bytes.len())? <= MAX_INPUT, "standard input is longer than 64 KiB");
    let text = str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("standard input is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// User name and password; one line each, byte for byte. `pam_exec` ends the password with a zero byte.
fn typed<'t>(username: Option<&'t str>, input: &'t str) -> Result<(&'t str, &'t str)> {
    let input = input.strip_suffix('\0').unwrap_or(input);
    let (username, rest) = match username {
        Some(username) => (username, input),
        None => input.split_once('\n').context("standard input has two lines: the user name, the password")?,
    };
    let password = rest.strip_suffix('\n').unwrap_or(rest);
    let line = |text: &'t str| text.strip_suffix('\r').unwrap_or(text);
    ensure!(!password.contains('\n'), "standard input holds more than the user name and the password");
    Ok((line(username), line(password)))
}
