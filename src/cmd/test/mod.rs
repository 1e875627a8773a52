//! `doorward test`: runs one login (or one utility call) for real and shows every stage.
//!
//! The verdict comes from the same flow as the daemon's. What is shown goes through `trace`, which masks by
//! allow-list; only `--reveal` shows values in clear.

mod answers;
mod door;
mod given;
mod password;
mod prepared;
mod ready;
mod remote;
mod utility;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use doorward::api::reply;
use doorward::clock;
use doorward::connector::ConnectorKind;
use doorward::connector::Live;
use doorward::diagnostic::to_json;
use doorward::flow::progress::Progress;
use doorward::flow::{
    Action, InMemoryStore, Login, Ports, Rehearsal, Report, Resumption, SavedLogin, authenticate, resume,
};
use doorward::secret::Secret;
use doorward::trace::{Trace, View, human};
use doorward::verdict::Verdict;
use serde_json::json;
use tokio::runtime::Runtime;

use self::door::AtDoor;
use self::given::{Answer, Attribute, Overrides, SecretFile, Setting};
use self::prepared::Prepared;
use self::ready::Broken;
use super::language::{self, lang};
use super::load;
use super::output::print;
use super::remote::{Access, Address};

/// `doorward test`
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Options {
    /// A connector file, or the id of one in --connectors
    connector: String,
    /// The user name; a utility takes one only where it reads it
    #[arg(long)]
    username: Option<String>,
    /// Reads the password from standard input (one line) instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// An answer to a challenge, so that no question is asked; may be repeated. Others see it in the list of processes: see --answers-stdin
    #[arg(long = "answer", value_name = "NAME=VALUE")]
    answers: Vec<Answer>,
    /// Reads answers from standard input, NAME=VALUE a line, behind the password's line
    #[arg(long, requires = "password_stdin")]
    answers_stdin: bool,
    /// An attribute that the connector declares; may be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<Attribute>,
    /// The address of the user's device
    #[arg(long, value_name = "IP")]
    client_ip: Option<IpAddr>,
    /// A setting that wins over the file's; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<Setting>,
    /// Reads a secret from a file; may be repeated
    #[arg(long = "secret-from", value_name = "NAME=FILE")]
    secrets: Vec<SecretFile>,
    /// Asks as a console of this door would, and shows the reply that it would hear
    #[arg(long, value_name = "FILE", conflicts_with_all = ["daemon", "render_only"])]
    door: Option<PathBuf>,
    /// Shows the first request and sends nothing
    #[arg(long)]
    render_only: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    /// Shows passwords, secrets, tokens and everything else in clear
    #[arg(long)]
    reveal: bool,
    /// Where connectors are looked for by id
    #[arg(long, value_name = "DIR", default_value = "connectors")]
    connectors: PathBuf,
    /// Has a running daemon do it: https://host:port, http://127.0.0.1:port or unix:/path
    #[arg(long, value_name = "URL", conflicts_with_all = ["settings", "secrets", "reveal", "connectors"])]
    daemon: Option<Address>,
    #[command(flatten)]
    access: Access,
}

/// Runs the command. The exit code is the verdict's; a mistake of the caller's is an error.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    if let Some(address) = options.daemon.clone() {
        return remote::run(address, &options);
    }
    let file = given::connector_file(&options.connector, &options.connectors)?;
    let given = Overrides::collect(&options.settings, &options.secrets)?;
    let runtime = load::runtime()?;
    let live = match runtime.block_on(ready::load(&file, &given))? {
        Ok(live) => live,
        Err(broken) => return cannot_run(&broken, options.json),
    };
    match live.connector.kind {
        ConnectorKind::Authentication => login(&runtime, &live, &options),
        ConnectorKind::Utility => utility::run(&runtime, &live, options),
    }
}

fn login(runtime: &Runtime, live: &Live, options: &Options) -> anyhow::Result<ExitCode> {
    let attributes = given::attributes(&options.attributes, &live.connector)?;
    let username = options.username.clone().context("--username says who logs in")?;
    // In front of --answers-stdin an empty line stands for the password that there is none of.
    let (password, lines) = if live.connector.input.no_password && !options.password_stdin {
        (Secret::default(), zeroize::Zeroizing::default())
    } else {
        password::read(&username, options.password_stdin, options.answers_stdin)?
    };
    let prepared = Prepared::collect(&options.answers, &lines, &live.connector)?;
    let mut login = Login {
        username,
        password: password.clone(),
        client_ip: options.client_ip,
        attributes,
        request_id: uuid::Uuid::new_v4().to_string(),
        deadline: None,
        trace: true,
    };
    let typed_name = live.connector.typed_name;
    let at_door = options.door.as_ref().map(|file| AtDoor::ask(file, &mut login, typed_name)).transpose()?;
    let password = login.password.clone();
    let (report, rehearsed, answered) = runtime.block_on(login_through(live, login, prepared, options))?;
    let known: Vec<Secret> = std::iter::once(password).chain(answered).collect();
    let view = View { reveal: options.reveal, rehearsed, credentials: &known };
    show(&report, view, at_door.as_ref(), options.json)?;
    if rehearsed {
        return Ok(ExitCode::SUCCESS);
    }
    super::exit_code(report.verdict.name()).context("a verdict without an exit code")
}

/// Runs the login with the challenges that the command line or the terminal answers. The steps of all its parts are in the last report; the
/// flag says whether it ended because a request was rendered and not sent; the answers are what must not be shown.
async fn login_through(
    live: &Live,
    login: Login,
    mut prepared: Prepared,
    options: &Options,
) -> anyhow::Result<(Report, bool, Vec<Secret>)> {
    let (progress, rehearsal, store) = (Progress::default(), Rehearsal::default(), InMemoryStore::default());
    let mut ports = Ports { challenges: &store, ..Ports::of(live, &clock::System, &progress) };
    if options.render_only {
        ports.exchange = &rehearsal;
    }
    let mut report = authenticate(&live.connector, ports, login).await;
    let mut given: Vec<Secret> = prepared.secrets().cloned().collect();
    while let Verdict::Challenge(challenge) = &report.verdict {
        let id = challenge.id.clone();
        let Some(saved) = store.take(&id).and_then(|state| SavedLogin::read(&state)) else { break };
        let action = match prepared.answer(challenge, Some(saved.login_state())) {
            Some(action) => Some(action),
            None => answers::ask(challenge)?,
        };
        let Some(action) = action else { break };
        if let Action::Answer(answers) = &action {
            given.extend(answers.values().cloned());
        }
        let resumption = Resumption { id, saved, action, deadline: None, trace: true };
        let next = resume(&live.connector, ports, resumption).await;
        report = joined(report, next);
    }
    prepared.report_unused();
    Ok((report, rehearsal.was_asked(), given))
}

/// Both parts of one login as one report.
fn joined(first: Report, mut then: Report) -> Report {
    let mut steps = first.steps;
    steps.append(&mut then.steps);
    let (credential_sends, took) = (first.credential_sends + then.credential_sends, first.took + then.took);
    Report { steps, credential_sends, took, ..then }
}

fn show(report: &Report, view: View<'_>, at_door: Option<&AtDoor>, json: bool) -> anyhow::Result<()> {
    let reveal = view.reveal;
    let trace = Trace::of(report, view);
    let text = if json {
        let verdict = serde_json::to_value(reply::body(report)).context("the verdict cannot be written as JSON")?;
        let mut object = trace.to_json(verdict);
        if let Some(at_door) = at_door {
            object["door"] = at_door.json(report, reveal);
        }
        format!("{object:#}\n")
    } else {
        let at_door = at_door.map(|at_door| at_door.told(report, reveal)).unwrap_or_default();
        human(&trace.rows()) + &at_door + &language::verdict_line(lang(), trace.summary())
    };
    print(&text)
}

/// A connector that does not load is misconfigured for every caller.
fn cannot_run(broken: &Broken, as_json: bool) -> anyhow::Result<ExitCode> {
    let what = format!("the connector {} does not load; `doorward check` says more", broken.id);
    if as_json {
        let diagnostics: Vec<_> = broken.diagnostics.iter().map(to_json).collect();
        let verdict = json!({ "verdict": "misconfigured", "connector": broken.id, "what": what });
        let object = json!({ "verdict": verdict, "explain": what, "trace": [], "diagnostics": diagnostics });
        print(&format!("{object:#}\n"))?;
    } else {
        anstream::eprint!("{}", language::rendered(&broken.diagnostics));
        print(&format!("{}\n", lang().fill("test.does_not_load", &[("id", &broken.id)])))?;
    }
    Ok(ExitCode::from(super::MISCONFIGURED))
}
