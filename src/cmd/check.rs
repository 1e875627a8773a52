//! `doorward check`: loads connector files, or a configuration with all that it names, and prints everything that is wrong.
//!
//! A connector that loads has its golden tests run as well. Nothing is sent; no secret of a connector is read unless a whole
//! configuration is checked strictly.

mod doors;
mod notices;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use doorward::attempt::about;
use doorward::attempt::connectors::{ConnectorSummary, Health};
use doorward::catalog::{LoadedFile, Loader};
use doorward::config;
use doorward::diagnostic::{Diagnostic, Severity, to_json};
use doorward::golden;
use doorward::upstream::Egress;
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use self::doors::DoorResults;
use super::language::{lang, rendered};
use super::load;
use super::output::print;
use super::progress::Progress;

/// `doorward check`
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Connector files, directories of them, or doorward.yaml or its directory: the configuration and all it names. When left out:
    /// doorward.yaml where there is one, or else connectors
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// With a configuration: secrets of connectors must be there, as when the daemon starts here
    #[arg(long)]
    strict: bool,
    /// Warn of connectors whose origin the `egress` of this configuration forbids
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people: the line, a caret, the cause, what to do
    Human,
    /// For tools: one object
    Json,
}

/// Connectors whose cases run at a time. Each has one script call in flight at most, and the pool has places for more.
const AT_A_TIME: usize = 16;

/// What was found in all files.
#[derive(Debug, Default)]
struct CheckResults {
    /// A configuration was checked, and not connectors alone.
    whole: bool,
    /// It has a mistake, so that its connectors could not be read.
    unread: bool,
    connectors: usize,
    /// Connectors that cannot run.
    broken: usize,
    tests: usize,
    passed: usize,
    doors: DoorResults,
    /// By id; `None` for one that cannot run.
    summaries: BTreeMap<String, Option<ConnectorSummary>>,
    diagnostics: Vec<Diagnostic>,
}

/// Runs the command: 0 when all is good (warnings may remain), 4 when a connector cannot run or a test fails.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let named = options.paths.iter().find_map(|path| whole::configuration(path));
    let configuration = match options.paths.as_slice() {
        // --config asks for connectors, by a configuration's bound.
        [] if options.config.is_some() => None,
        [] => whole::configuration(Path::new(".")).map(|_| PathBuf::from("doorward.yaml")),
        [_] => named,
        _ => {
            let alone = "is a configuration: check it alone, its connectors are checked with it";
            anyhow::ensure!(named.is_none(), "{} {alone}", named.unwrap_or_default().display());
            None
        }
    };
    let found = if let Some(configuration) = configuration {
        let named = configuration.display();
        anyhow::ensure!(options.config.is_none(), "--config is for connectors; {named} has its own `egress`");
        configured(&configuration, options.strict)?
    } else {
        anyhow::ensure!(!options.strict, "--strict is for a configuration: doorward check doorward.yaml --strict");
        match connectors(options)? {
            Ok(found) => found,
            Err(mistakes) => {
                anstream::eprint!("{}", rendered(&mistakes));
                return Ok(ExitCode::from(super::MISCONFIGURED));
            }
        }
    };
    let text = match options.format {
        Format::Human => found.human(),
        Format::Json => found.json(),
    };
    print(&text)?;
    Ok(if found.good() { ExitCode::SUCCESS } else { ExitCode::from(super::MISCONFIGURED) })
}

/// Connectors alone; mistakes of the configuration whose bound was asked for.
fn connectors(options: &Options) -> anyhow::Result<Result<CheckResults, Vec<Diagnostic>>> {
    let usual = [PathBuf::from("connectors")];
    let paths = if options.paths.is_empty() { &usual } else { options.paths.as_slice() };
    let mut files = Vec::new();
    for path in paths {
        files.extend(load::connector_files(path)?);
    }
    let loader = load::loader(BTreeMap::new(), BTreeMap::new())?;
    let bound = match options.config.as_deref().map(config::load_egress).transpose() {
        Ok(rules) => rules.as_ref().map(Egress::new).transpose()?,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    let mut found = load::runtime()?.block_on(check(Arc::new(loader), &files, bound));
    found.diagnostics.extend(paths.iter().filter_map(|path| notices::skipped(path)));
    Ok(Ok(found))
}

/// A configuration with all that it names.
fn configured(configuration: &Path, strict: bool) -> anyhow::Result<CheckResults> {
    let whole = whole::read(configuration, strict)?;
    let unread = whole.loader.is_none();
    let mut found = match whole.loader {
        Some(loader) => load::runtime()?.block_on(check(Arc::new(loader), &whole.connectors, None)),
        None => CheckResults::default(),
    };
    (found.whole, found.unread) = (true, unread);
    found.diagnostics.splice(0..0, whole.diagnostics);
    if let Some(doors) = whole.doors {
        found.doors = doors::check(&doors, &found.summaries);
        found.diagnostics.append(&mut found.doors.diagnostics);
    }
    Ok(found)
}

async fn check(loader: Arc<Loader>, files: &[PathBuf], bound: Option<Egress>) -> CheckResults {
    let mut found = CheckResults { connectors: files.len(), ..CheckResults::default() };
    let mut places = BTreeSet::new();
    let outcomes = loader.load(files).await;
    // Each connector's cases are a task, so that they run on all cores; what is found stays in the order of the files.
    found.summaries = outcomes
        .iter()
        .map(|LoadedFile { id, live, .. }| {
            (id.clone(), live.as_ref().map(|live| about(&live.connector, Health::Current)))
        })
        .collect();
    let tasks = outcomes.into_iter().map(|LoadedFile { id, live, mut diagnostics, .. }| {
        if let Some(live) = &live {
            diagnostics.extend(notices::unfinished(&live.file));
            diagnostics.extend(bound.as_ref().and_then(|bound| live.forbidden_by(bound)));
        }
        let loader = Arc::clone(&loader);
        let golden = tokio::spawn(async move { Some(golden::run(live.as_ref()?, &loader).await) });
        async move { (id, diagnostics, golden.await) }
    });
    let mut tasks = stream::iter(tasks).buffered(AT_A_TIME);
    let mut progress = Progress::new();
    for (done, path) in files.iter().enumerate() {
        progress.show(|| lang().fill("check.progress", &[("done", &done), ("all", &files.len())]));
        let Some((id, diagnostics, golden)) = tasks.next().await else { break };
        found.diagnostics.extend(diagnostics);
        if !places.insert((path.parent().map(PathBuf::from), id.clone())) {
            found.diagnostics.push(same_id(&id, path));
        }
        match golden {
            Ok(None) => found.broken += 1,
            Ok(Some(golden)) => {
                found.tests += golden.cases;
                found.passed += golden.passed;
                found.diagnostics.extend(golden.diagnostics);
            }
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    found
}

/// Two files of one directory with one id: which of them would run cannot be said.
fn same_id(id: &str, path: &std::path::Path) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "duplicate-id",
        message: format!("{}: another file of this directory has the id `{id}` too", path.display()),
        at: None,
        label: None,
        help: vec!["the id is the file's name without its ending: rename or remove one".to_owned()],
    }
}

impl CheckResults {
    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    fn good(&self) -> bool {
        self.count(Severity::Error) == 0 && self.broken + self.doors.broken == 0 && self.passed == self.tests
    }

    /// With colours; the stream drops them where they are not shown.
    fn human(&self) -> String {
        let mut text = rendered(&self.diagnostics);
        if !text.is_empty() {
            text.push('\n');
        }
        for reading in &self.doors.readings {
            let _ = writeln!(text, "{}", reading.line());
        }
        let _ = writeln!(text, "{}", self.summary());
        text
    }

    /// `18 connectors, 57 tests: all good`
    fn summary(&self) -> String {
        let lang = lang();
        let errors = lang.counted("check.errors", "check.errors_one", self.count(Severity::Error));
        if self.unread {
            return lang.fill("check.unread", &[("errors", &errors)]);
        }
        let mut connectors = lang.counted("check.connectors", "check.connectors_one", self.connectors);
        if self.whole {
            connectors.insert_str(0, lang.text("check.configuration"));
        }
        if self.doors.doors > 0 {
            connectors.push_str(lang.text("check.and"));
            connectors.push_str(&lang.counted("check.doors", "check.doors_one", self.doors.doors));
        }
        let tests = lang.counted("check.tests", "check.tests_one", self.tests);
        let warnings = match self.count(Severity::Warning) {
            0 => String::new(),
            some => {
                format!("{}{}", lang.text("check.and"), lang.counted("check.warnings", "check.warnings_one", some))
            }
        };
        if self.good() {
            let values: [(&str, &dyn Display); 3] =
                [("connectors", &connectors), ("tests", &tests), ("warnings", &warnings)];
            return lang.fill("check.good", &values);
        }
        let values: [(&str, &dyn Display); 3] =
            [("connectors", &connectors), ("errors", &errors), ("warnings", &warnings)];
        let mut parts = vec![lang.fill("check.bad", &values)];
        if self.broken > 0 {
            parts.push(lang.counted("check.broken", "check.broken_one", self.broken));
        }
        if self.doors.broken > 0 {
            parts.push(lang.counted("check.broken_doors", "check.broken_doors_one", self.doors.broken));
        }
        if self.tests > 0 {
            parts.push(lang.fill("check.passed", &[("passed", &self.passed), ("tests", &tests)]));
        }
        parts.join(lang.text("check.next"))
    }

    fn json(&self) -> String {
        let diagnostics: Vec<_> = self.diagnostics.iter().map(to_json).collect();
        let object = json!({
            "ok": self.good(),
            "connectors": self.connectors,
            "broken": self.broken,
            "doors": { "all": self.doors.doors, "broken": self.doors.broken, "readings": self.doors.readings },
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "tests": { "run": self.tests, "passed": self.passed },
            "diagnostics": diagnostics,
        });
        format!("{object:#}\n")
    }
}
