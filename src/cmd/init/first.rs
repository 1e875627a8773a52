//! The first connector: a shipped one, one from a curl command line, or what a person at the terminal answers.

use std::io::{self, BufRead, IsTerminal as _};

use anyhow::{Context as _, Result, bail};
use doorward::diagnostic::did_you_mean;
use doorward::shipped::{CONNECTORS, SCRIPTS, Shipped, Stage};

use super::files::{CONNECTOR_SCHEMA, File};
use crate::cmd::language::lang;
use crate::cmd::new;

/// What is taken when nothing is said: the kind of server that is met most.
const DEFAULT_CONNECTOR: &str = "form";

/// A connector made from a command line has no name of its own.
const FROM_CURL: &str = "my-4a";

/// The longest answer at a terminal; browsers copy a few kilobytes.
const MAX_ANSWER: usize = 256 * 1024;

/// A connector with the files that it needs.
pub(super) struct First {
    pub(super) id: String,
    pub(super) files: Vec<File>,
}

/// Decides by the options, or else asks, or else takes the usual one.
pub(super) fn choose(connector: Option<String>, from_curl: Option<String>) -> Result<First> {
    match (connector, from_curl) {
        (Some(name), _) => shipped(&name),
        (None, Some(command)) => Ok(drafted(&new::draft(command)?)),
        (None, None) if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            anstream::eprint!("{}", question());
            answered(&mut io::stdin().lock())
        }
        (None, None) => shipped(DEFAULT_CONNECTOR),
    }
}

fn question() -> String {
    lang().fill("init.question", &[("usual", &DEFAULT_CONNECTOR), ("names", &names().join(" "))])
}

/// The answer of a person: a command may go on over lines that end with a backslash.
fn answered(lines: &mut dyn BufRead) -> Result<First> {
    let mut answer = String::new();
    while lines.read_line(&mut answer).context("the answer cannot be read")? > 0 {
        anyhow::ensure!(answer.len() <= MAX_ANSWER, "the answer is longer than 256 KiB");
        if !answer.trim_end().ends_with(['\\', '^']) {
            break;
        }
    }
    match answer.trim() {
        "" => shipped(DEFAULT_CONNECTOR),
        name if !name.contains(char::is_whitespace) => shipped(name),
        command => Ok(drafted(&new::draft(command.to_owned())?)),
    }
}

fn names() -> Vec<&'static str> {
    CONNECTORS.iter().filter(|known| known.stage != Stage::Before).map(|known| known.id).collect()
}

fn drafted(text: &str) -> First {
    let file = File::new(
        format!("connectors/{FROM_CURL}.yaml"),
        "init.file.draft",
        format!("# yaml-language-server: $schema=../{CONNECTOR_SCHEMA}\n#\n{text}"),
    );
    First { id: FROM_CURL.to_owned(), files: vec![file] }
}

fn shipped(name: &str) -> Result<First> {
    let name = name.trim_end_matches(".yaml");
    let Some(known) = CONNECTORS.iter().find(|known| known.id == name) else {
        let near = did_you_mean(name, names().into_iter());
        let meant = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        bail!("there is no shipped connector `{name}`.{meant} There are: {}", names().join(" "));
    };
    let mut files = vec![connector(known, "init.file.connector")];
    if let Stage::After(utility) = known.stage {
        let before = CONNECTORS.iter().filter(|other| other.id == utility);
        files.extend(before.map(|other| connector(other, "init.file.before")));
    }
    for (script, text) in SCRIPTS {
        if files.iter().any(|file| file.text.contains(&format!("../scripts/{script}"))) {
            files.push(File::new(format!("scripts/{script}"), "init.file.script", *text));
        }
    }
    Ok(First { id: known.id.to_owned(), files })
}

fn connector(shipped: &Shipped, what: &'static str) -> File {
    let text = shipped.yaml.replace("$schema=../docs/connector.schema.json", &format!("$schema=../{CONNECTOR_SCHEMA}"));
    File::new(format!("connectors/{}.yaml", shipped.id), what, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_answers() {
        let answer = |text: &str| answered(&mut text.as_bytes()).map(|first| first.id);
        assert_eq!(answer("\n").unwrap(), "form");
        assert_eq!(answer("").unwrap(), "form");
        assert_eq!(answer("soap\n").unwrap(), "soap");
        let curl = "curl https://4a.example.com/login \\\n  -d 'user=zhangsan&password=123456'\nsoap\n";
        assert_eq!(answer(curl).unwrap(), "my-4a");
        let error = answer("foura-json\n").unwrap_err().to_string();
        assert!(error.contains("Did you mean `foura-json-md5`?") && error.contains("soap"), "{error}");
        assert!(answer("wget https://4a.example.com\n").is_err());
    }
}
