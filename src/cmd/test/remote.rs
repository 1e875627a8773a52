//! The send test of a running daemon: its answer has the same rows, and its challenges are answered here.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use doorward::diagnostic::did_you_mean;
use doorward::document::Value;
use doorward::flow::Action;
use doorward::secret::Secret;
use doorward::trace::{Row, Summary, human};
use doorward::verdict::{Challenge, ChallengeError, ChallengeField, Reason};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::prepared::Prepared;
use super::{Options, answers, given, password};
use crate::cmd::output::print;
use crate::cmd::remote::{Address, Answer, Client};
use crate::cmd::{self, language, load};

/// One part of a login, up to a challenge or the verdict.
struct Part {
    verdict: Map<String, Json>,
    summary: Summary,
    /// Without those of the summary.
    rows: Vec<Row>,
    steps: Vec<Json>,
    not_delivered: Option<Json>,
    challenge: Option<Challenge>,
}

/// What the daemon says about a connector. Without the scope `read` nothing is known.
#[derive(Default)]
struct RemoteInputs {
    no_password: bool,
}

/// Runs the command. The exit code is the verdict's.
pub fn run(address: Address, options: &Options) -> Result<ExitCode> {
    let id = &options.connector;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    ensure!(is_id, "with --daemon a connector is named by its id, as `doorward status` lists it; {id} is none");
    let username = options.username.clone().context("--username says who logs in")?;
    let client = Client::new(address, &options.access)?;
    let runtime = load::runtime()?;
    let about = runtime.block_on(about(&client, id))?;
    let (password, lines) = if about.no_password && !options.password_stdin {
        (Secret::default(), Zeroizing::default())
    } else {
        password::read(&username, options.password_stdin, options.answers_stdin)?
    };
    let mut prepared = Prepared::unchecked(&options.answers, &lines)?;
    let body = body(options, &username, Some(&password).filter(|_| !about.no_password))?;
    let mut parts = vec![runtime.block_on(part(&client, &format!("/v1/connectors/{id}/test"), &body))?];
    while let Some(challenge) = parts.last().and_then(|part| part.challenge.clone()) {
        let action = match prepared.answer(&challenge, state(&challenge).as_ref()) {
            Some(action) => Some(action),
            None => answers::ask(&challenge)?,
        };
        let Some(action) = action else { break };
        parts.push(runtime.block_on(part(&client, "/v1/challenges/test", &answer(&challenge.id, &action)))?);
    }
    prepared.report_unused();
    show(parts, options.json)
}

/// Fails with words when there is no such connector to log in to.
async fn about(client: &Client, id: &str) -> Result<RemoteInputs> {
    let mut answer = client.ask(Method::GET, &format!("/v1/connectors/{id}"), None).await?;
    match answer.code() {
        None => {}
        // It may run the test all the same, and a wrong id shows in its answer.
        Some("insufficient_scope") => return Ok(RemoteInputs::default()),
        Some("unknown_connector") => return Err(unknown(client, id).await),
        Some(_) => return Err(answer.refusal()),
    }
    let kind: String = answer.take("kind")?;
    ensure!(
        kind == "authentication",
        "{id} is a utility, of which a daemon has no send test; `doorward test FILE` runs it from its file"
    );
    let inputs: Json = answer.take("inputs")?;
    Ok(RemoteInputs { no_password: inputs["password"] == json!(false) })
}

async fn unknown(client: &Client, id: &str) -> anyhow::Error {
    let listed = client.call(Method::GET, "/v1/connectors", None).await;
    let connectors: Vec<Json> = listed.and_then(|mut answer| answer.take("connectors")).unwrap_or_default();
    let ids: Vec<&str> = connectors.iter().filter_map(|connector| connector["id"].as_str()).collect();
    let near = did_you_mean(id, ids.iter().copied()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    anyhow::anyhow!("the daemon has no connector {id} for this token{near}")
}

fn body(options: &Options, username: &str, password: Option<&Secret>) -> Result<Json> {
    let mode = if options.render_only { "render" } else { "send" };
    let mut body = json!({ "username": username, "mode": mode, "interactive": true });
    if let Some(password) = password {
        body["password"] = password.expose().into();
    }
    if let Some(client_ip) = options.client_ip {
        body["client_ip"] = client_ip.to_string().into();
    }
    let attributes = given::undeclared(&options.attributes)?;
    if !attributes.is_empty() {
        body["attributes"] = serde_json::to_value(Value::Object(attributes))?;
    }
    Ok(body)
}

async fn part(client: &Client, path: &str, body: &Json) -> Result<Part> {
    let mut answer = client.call(Method::POST, path, Some(body)).await?;
    match answer.code() {
        None | Some("rendered") => {}
        Some("unknown_connector") => bail!("the daemon has no such connector for this token"),
        Some(_) => return Err(answer.refusal()),
    }
    let summary: Summary = answer.take("summary")?;
    let rows: Vec<Row> = answer.take("rows")?;
    let (steps, not_delivered) = (answer.take("trace")?, answer.take("not_delivered")?);
    let challenge = answer.take::<Option<Json>>("open_challenge")?.map(|open| challenge(&open));
    answer.body.remove("explain");
    let Answer { body: verdict, .. } = answer;
    let rows = rows.into_iter().skip(summary.rows().len()).collect();
    Ok(Part { verdict, summary, rows, steps, not_delivered, challenge })
}

fn answer(id: &str, action: &Action) -> Json {
    let action = match action {
        Action::Answer(answers) => {
            let answers: Map<String, Json> =
                answers.iter().map(|(name, value)| (name.clone(), value.expose().into())).collect();
            return json!({ "challenge": id, "answers": answers });
        }
        // Nobody answers field by field here.
        Action::Poll | Action::Early | Action::Next(_) => "poll",
        Action::Resend => "resend",
    };
    json!({ "challenge": id, "action": action })
}

/// The challenge as the API describes it.
fn challenge(open: &Json) -> Challenge {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let seconds = |value: &Json| value.as_u64().map(Duration::from_secs);
    let field = |field: &Json| ChallengeField {
        name: text(&field["name"]).unwrap_or_default(),
        label: text(&field["label"]),
        echo: field["echo"].as_bool().unwrap_or_default(),
        pattern: text(&field["pattern"]),
    };
    let error = open["error"].as_object().map(|_| &open["error"]).map(|error| ChallengeError {
        reason: error["reason"].as_str().and_then(Reason::parse).unwrap_or(Reason::Other),
        error_code: text(&error["error_code"]),
        error_message: text(&error["error_message"]),
    });
    Challenge {
        id: text(&open["id"]).unwrap_or_default(),
        kind: text(&open["type"]).unwrap_or_default(),
        message: text(&open["message"]),
        fields: open["fields"].as_array().into_iter().flatten().map(field).collect(),
        url: text(&open["url"]),
        returns: open["answers"].as_array().into_iter().flatten().filter_map(text).collect(),
        image: text(&open["image"]),
        expires_in: seconds(&open["expires_in"]).unwrap_or_default(),
        attempts_left: open["attempts_left"].as_u64().and_then(|left| left.try_into().ok()).unwrap_or_default(),
        resend_after: seconds(&open["resend_after"]),
        poll_after: seconds(&open["poll_after"]),
        error,
    }
}

/// The `state` of a redirect, which stands in the address that the user's browser opens.
fn state(challenge: &Challenge) -> Option<Secret> {
    let url = url::Url::parse(challenge.url.as_deref()?).ok()?;
    url.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| Secret::new(state.into_owned()))
}

/// All parts as one login, as a test of the file shows it.
fn show(parts: Vec<Part>, as_json: bool) -> Result<ExitCode> {
    let (mut rows, mut steps) = (Vec::new(), Vec::new());
    let mut last: Option<(Map<String, Json>, Summary, Option<Json>)> = None;
    for part in parts {
        let Part { verdict, summary, rows: own, steps: taken, not_delivered, .. } = part;
        rows.extend(own);
        steps.extend(taken);
        let summary = match last {
            Some((_, earlier, _)) => summary.after(&earlier),
            None => summary,
        };
        last = Some((verdict, summary, not_delivered));
    }
    let (verdict, summary, not_delivered) = last.context("the daemon gave no answer")?;
    let text = if as_json {
        let verdict = if summary.verdict.is_some() { Json::Object(verdict) } else { Json::Null };
        let mut shown = json!({ "verdict": verdict, "explain": summary.explain, "trace": steps });
        if let Some(not_delivered) = not_delivered {
            shown["not_delivered"] = not_delivered;
        }
        format!("{shown:#}\n")
    } else {
        rows.splice(0..0, summary.rows());
        human(&rows) + &language::verdict_line(language::lang(), &summary)
    };
    print(&text)?;
    let Some(verdict) = summary.verdict else { return Ok(ExitCode::SUCCESS) };
    cmd::exit_code(&verdict).context("the daemon gives a verdict that this version does not know")
}
