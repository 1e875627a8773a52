//! The answers of a send test: asked for at the terminal, one challenge after the other, as a console would show them.
//!
//! Without a terminal no question is asked and the challenge stays open. Prompts go to standard error, so that what the trace
//! says can be piped.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use doorward::flow::Action;
use doorward::secret::Secret;
use doorward::trace::harmless;
use doorward::verdict::{Challenge, ChallengeField};
use indexmap::IndexMap;
use zeroize::Zeroizing;

/// What the user wants, or `None` when the challenge is to stay open.
pub fn ask(challenge: &Challenge) -> anyhow::Result<Option<Action>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    show(challenge)?;
    if challenge.kind == "redirect" {
        return redirect(challenge);
    }
    if challenge.fields.is_empty() {
        return without_fields(challenge);
    }
    let mut answers = IndexMap::new();
    for field in &challenge.fields {
        let answer = prompt(field)?;
        match (answer.as_str(), challenge.resend_after) {
            ("", Some(_)) if answers.is_empty() => return Ok(Some(Action::Resend)),
            ("", _) => return Ok(None),
            _ => answers.insert(field.name.clone(), Secret::new(answer.as_str())),
        };
    }
    Ok(Some(Action::Answer(answers)))
}

fn show(challenge: &Challenge) -> anyhow::Result<()> {
    let mut lines = vec![format!("challenge: {}", challenge.kind)];
    if let Some(error) = &challenge.error {
        let message = error.error_message.as_deref().unwrap_or_default();
        lines.push(format!("  not yet: {} {}", error.reason, harmless(message)));
    }
    lines.extend(challenge.message.as_deref().map(|message| format!("  {}", harmless(message))));
    lines.extend(challenge.url.as_deref().map(|url| format!("  open {}", harmless(url))));
    lines.extend(challenge.image.as_deref().map(|image| match image.split_once(";base64,") {
        Some((kind, data)) => {
            format!("  a picture, {}, {} characters of base64 (see --json --reveal)", harmless(kind), data.len())
        }
        None => format!("  a picture at {}", harmless(image)),
    }));
    lines.push(format!("  {} attempts, {} s", challenge.attempts_left, challenge.expires_in.as_secs()));
    if challenge.resend_after.is_some() && !challenge.fields.is_empty() {
        lines.push("  an empty line asks for the code once more; Ctrl-D leaves the challenge open".to_owned());
    }
    let mut out = io::stderr().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).context("standard error cannot be written")
}

/// A line of the terminal, without echo unless the field allows it.
fn prompt(field: &ChallengeField) -> anyhow::Result<Zeroizing<String>> {
    let label = format!("{}: ", harmless(field.label.as_deref().unwrap_or(&field.name)));
    if field.echo {
        return line(&label);
    }
    let hidden = rpassword::prompt_password(label).or_else(at_the_end).context("the answer cannot be read")?;
    Ok(Zeroizing::new(hidden))
}

fn line(label: &str) -> anyhow::Result<Zeroizing<String>> {
    eprint!("{label}");
    io::stderr().flush().context("standard error cannot be written")?;
    let mut text = Zeroizing::new(String::new());
    io::stdin().read_line(&mut text).context("the answer cannot be read")?;
    Ok(Zeroizing::new(super::password::without_line_end(&text).to_owned()))
}

/// Ctrl-D is an empty answer.
fn at_the_end(error: io::Error) -> io::Result<String> {
    if error.kind() == io::ErrorKind::UnexpectedEof { Ok(String::new()) } else { Err(error) }
}

/// A push: the user confirms elsewhere and says so here.
fn without_fields(challenge: &Challenge) -> anyhow::Result<Option<Action>> {
    if challenge.poll_after.is_none() {
        return Ok(None);
    }
    let typed = line("press Enter when it is confirmed (q leaves the challenge open): ")?;
    Ok((typed.as_str() != "q").then_some(Action::Poll))
}

/// The whole address to which the browser came back, with what the redirect brings back in its query.
fn redirect(challenge: &Challenge) -> anyhow::Result<Option<Action>> {
    let typed = line("paste the address to which the browser came back: ")?;
    if typed.is_empty() {
        return Ok(None);
    }
    let url = url::Url::parse(typed.trim()).context("this is no URL; copy it from the browser's address bar")?;
    let mut answers = indexmap::IndexMap::new();
    for name in &challenge.returns {
        let Some((_, value)) = url.query_pairs().find(|(known, _)| known == name.as_str()) else {
            anyhow::bail!("the address has no `{name}` in its query")
        };
        answers.insert(name.clone(), Secret::new(value.into_owned()));
    }
    Ok(Some(Action::Answer(answers)))
}
