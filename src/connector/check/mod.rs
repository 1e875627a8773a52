//! From what was written to what runs: every name resolved, every text compiled, every rule safe, all mistakes at once.
//!
//! To add an option of a step: the key (`reading`, "How to add a key"), its compiled form in `connector::Step`, and one line in
//! `step::step`, which builds a step once, from its own keys and the steps before it. What needs later steps is a check in
//! `Check::across_steps`, which changes nothing. What the option reads goes into `needs::beyond_when`, or a challenge loses it.
//!
//! Two phases, because scripts are parsed in a worker process and a thousand of them should share one: [`Draft::read`]
//! reads the file and hands out the scripts, [`Draft::finish`] takes what they read and gives the connector. Nothing
//! here sends, and nothing is guessed: what cannot be right does not load.

mod ask;
mod cache;
mod chosen;
mod condition;
mod decrypt;
mod delivery;
mod ending;
mod from_page;
mod input;
mod jwt;
mod names;
mod needs;
mod patterns;
mod request;
mod response;
mod revision;
mod roles;
mod scripts;
mod settings;
mod skip;
mod source;
mod step;
mod text;
mod transport;
mod utility;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key_owners::owner_of;
use super::raw;
use super::{Connector, ConnectorKind, Step};
use crate::context::Variable;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, SourceFile};
use crate::files::ReadError;
use crate::reading::FromNode as _;
use crate::script::{self, Reads};
use crate::template::Language;
use crate::upstream::{Gate, Origin, TransportConfig};
use crate::yaml;

/// How many large replies of one connector are decoded at a time. It takes the cores of a small machine, and more would
/// not end sooner; one that is given up holds its thread until it is through.
const DECODERS: usize = 4;

/// Where secrets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsFrom {
    /// Environment and files, as the connector says; a missing one is a mistake.
    Environment,
    /// Samples: `check` runs without real secrets.
    Samples,
}

/// What surrounds a connector file while it loads.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// Environment variables.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that the connector names.
    pub read_file: &'a dyn Fn(&Path) -> Result<Vec<u8>, ReadError>,
    /// Settings that win over the file (`--set`, a golden case).
    pub settings: &'a BTreeMap<String, String>,
    /// Secrets that win over the file (`--secret-from`, a golden case).
    pub secrets: &'a BTreeMap<String, String>,
    /// Where the other secrets come from.
    pub secrets_from: SecretsFrom,
    /// The console, when a daemon loads the file.
    pub console: Option<&'a Console>,
}

/// What a daemon knows of its console, for cookie delivery.
#[derive(Debug, Clone, Default)]
pub struct Console {
    /// Its own address: cookies are delivered under the domain that owns it.
    pub public_url: Option<url::Url>,
    /// Names of its own cookies.
    pub reserved_cookies: Vec<String>,
}

/// A connector file that was read, before its scripts are understood.
#[derive(Debug)]
pub struct Draft {
    id: String,
    raw: Option<raw::Connector>,
    diagnostics: Diagnostics,
    scripts: Vec<WrittenScript>,
}

/// One script and the step that it belongs to.
#[derive(Debug)]
struct WrittenScript {
    step: usize,
    kind: script::ScriptKind,
    /// Where a mistake of the whole script is shown.
    at: crate::diagnostic::Span,
    /// Whether its lines are lines of the connector file.
    inline: bool,
    source: script::Source,
}

impl WrittenScript {
    /// Whether it is the same text at the same place, used by another step.
    fn is_same_text(&self, other: &Self) -> bool {
        let place = |script: &script::Source| (script.first_line, script.indent);
        self.source.file == other.source.file && place(&self.source) == place(&other.source)
    }
}

/// A connector that was checked.
#[derive(Debug)]
pub struct Checked {
    /// The file's name without its ending.
    pub id: String,
    /// There only when no mistake is an error.
    pub loaded: Option<Loaded>,
    /// All mistakes, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a good file gives.
#[derive(Debug)]
pub struct Loaded {
    /// What runs.
    pub connector: Connector,
    /// How its upstream is reached.
    pub transport: TransportConfig,
    /// The origins that the file writes; nothing else is ever dialled.
    pub origins: Vec<Origin>,
    /// Its scripts, for a pool.
    pub scripts: Vec<script::Source>,
    /// What the scripts read, so that the file can be checked again with other settings.
    pub reads: Vec<Reads>,
    /// What was written: golden cases, and places for later diagnostics.
    pub raw: raw::Connector,
    /// The file.
    pub file: Arc<SourceFile>,
}

impl Draft {
    /// Reads the file at `path` (its text comes in by argument): the one way into a connector file. Its scripts are numbered
    /// from 0.
    pub fn read(path: &Path, text: String, load: LoadContext<'_>) -> Self {
        let file = Arc::new(SourceFile { path: path.to_owned(), text });
        let mut diagnostics = Diagnostics::new(file).with_key_owners(owner_of);
        let node = yaml::parse(&mut diagnostics);
        let raw = node.and_then(|node| raw::Connector::read(&node, &mut diagnostics));
        let id = id_of(path, &mut diagnostics);
        let scripts = match &raw {
            Some(raw) => scripts::written(raw, &id, load, &mut diagnostics),
            None => Vec::new(),
        };
        Self { id, raw, diagnostics, scripts }
    }

    /// What was written, when what was meant is clear enough to check it further.
    pub fn written(&self) -> Option<&raw::Connector> {
        self.raw.as_ref()
    }

    /// What is wrong so far: mistakes that are found while the file is read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.diagnostics.found()
    }

    /// The scripts to inspect, in order.
    pub fn scripts(&self) -> impl Iterator<Item = &script::Source> {
        self.scripts.iter().map(|script| &script.source)
    }

    /// Numbers the scripts among those of other files, counting `*next` up.
    pub fn number(&mut self, next: &mut u32) {
        number(&mut self.scripts, next);
    }

    /// Checks everything else. `reads` are the results of [`script::inspect`] for [`Draft::scripts`], in order.
    pub fn finish(self, load: LoadContext<'_>, reads: Vec<Result<Reads, script::CompileError>>) -> Checked {
        let Self { id, raw, mut diagnostics, scripts } = self;
        let file = Arc::clone(diagnostics.file());
        let connector = raw.and_then(|raw| {
            let reads = scripts::understood(&scripts, reads, &mut diagnostics);
            let (language, origins) = (Language::default(), from_page::WrittenOrigins::default());
            let patterns = patterns::Patterns::default();
            let check = Check { raw: &raw, load, scripts: &scripts, reads: &reads, language, origins, patterns };
            let Compiled { connector, transport, origins } = check.run(&id, &mut diagnostics)?;
            let scripts = scripts.into_iter().map(|script| script.source).collect();
            Some(Loaded { connector, transport, origins, scripts, reads, raw, file })
        });
        let sound = !diagnostics.has_errors();
        Checked { id, loaded: connector.filter(|_| sound), diagnostics: diagnostics.into_list() }
    }
}

/// What runs, how its upstream is reached, and the origins that the file writes.
#[derive(Debug)]
pub struct Compiled {
    /// What runs.
    pub connector: Connector,
    /// How its upstream is reached.
    pub transport: TransportConfig,
    /// The origins that the file writes; nothing else is ever dialled.
    pub origins: Vec<Origin>,
}

/// A good file, as it was read.
#[derive(Clone, Copy)]
pub struct Good<'a> {
    /// The id of its connector.
    pub id: &'a str,
    /// What was written.
    pub raw: &'a raw::Connector,
    /// The file.
    pub file: &'a Arc<SourceFile>,
    /// What its scripts read.
    pub reads: &'a [Reads],
    /// The number of its first script.
    pub first_script: u32,
}

/// Checks a good file again in other surroundings. Neither the file nor the syntax of its scripts is read again; they
/// keep their numbers.
pub fn again(good: Good<'_>, load: LoadContext<'_>) -> Result<Compiled, Vec<Diagnostic>> {
    let Good { id, raw, file, reads, mut first_script } = good;
    let mut diagnostics = Diagnostics::new(Arc::clone(file));
    let mut scripts = scripts::written(raw, id, load, &mut diagnostics);
    number(&mut scripts, &mut first_script);
    let (language, origins) = (Language::default(), from_page::WrittenOrigins::default());
    let patterns = patterns::Patterns::default();
    let compiled = Check { raw, load, scripts: &scripts, reads, language, origins, patterns }.run(id, &mut diagnostics);
    compiled.filter(|_| !diagnostics.has_errors()).ok_or_else(|| diagnostics.into_list())
}

/// One check in progress.
struct Check<'a> {
    raw: &'a raw::Connector,
    load: LoadContext<'a>,
    scripts: &'a [WrittenScript],
    reads: &'a [Reads],
    language: Language,
    origins: from_page::WrittenOrigins,
    patterns: patterns::Patterns,
}

impl Check<'_> {
    fn run(mut self, id: &str, diagnostics: &mut Diagnostics) -> Option<Compiled> {
        utility::refuse(self.raw, self.scripts, self.reads, diagnostics);
        self.language = settings::language(self.raw, self.load, diagnostics);
        self.origins = from_page::WrittenOrigins::of(self.raw, &self.language);
        let secrets = settings::secrets(self.raw, self.load, diagnostics);
        let mut input = input::input(self.raw, diagnostics);
        let transport = transport::transport(self.raw, self.load, diagnostics);
        settings::acknowledgements(self.raw, diagnostics);
        let names = names::Names::collect(self.raw, self.scripts, self.reads, diagnostics);
        names.check_scripts(self.scripts, self.reads, diagnostics);
        scripts::no_template(&self, diagnostics);
        let taint = roles::Taint::of(self.raw, self.scripts, self.reads);
        let steps = self.steps(&names, &taint, diagnostics);
        let kind = self.raw.kind.as_ref().map_or(ConnectorKind::Authentication, |kind| kind.value);
        roles::at_least_one_factor(self.raw, kind, &steps, diagnostics);
        if steps.len() == self.raw.steps.len() {
            self.across_steps(&steps, diagnostics);
        }
        input.username = steps.iter().any(|step| step.needs.keeps(&Variable::Username));
        let identity_required = roles::identity(self.raw, &steps, &taint, diagnostics);
        let origins = request::origins(&steps, self.raw, diagnostics);
        let delivery = delivery::delivery(&self, diagnostics);
        if diagnostics.has_errors() || steps.len() != self.raw.steps.len() {
            return None;
        }
        let transport = transport?;
        let connector = Connector {
            id: id.to_owned(),
            title: self.raw.title.as_ref().map(|title| title.text.clone()),
            kind,
            revision: revision::of(diagnostics.file(), self.scripts, &self.language),
            input,
            secrets: Arc::new(secrets),
            settings_from_env: settings::from_env(self.raw, self.load),
            timeout: transport::timeout(self.raw),
            time_zone: self.language.time_zone.clone(),
            proof_fields: roles::proof_fields(&steps, self.scripts, self.reads),
            secret_env: Arc::new(taint.secret_env()),
            typed_name: settings::acknowledged(self.raw, "typed_name"),
            identity_required,
            traceparent: self.raw.transport.as_ref().and_then(|written| written.traceparent).unwrap_or(false),
            nodes: request::nodes(&steps),
            decoders: Gate::new(DECODERS, transport.max_in_flight),
            delivery,
            pattern_bytes: self.patterns.bytes(),
            max_document: transport::max_document(self.raw),
            steps: steps.into(),
        };
        Some(Compiled { connector, transport, origins })
    }

    /// The steps that can be judged further, each complete.
    fn steps(&self, names: &names::Names, taint: &roles::Taint, diagnostics: &mut Diagnostics) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, raw) in self.raw.steps.iter().enumerate() {
            let scope = names::Scope { names, step: index, before: false, inner: false };
            let part = StepCheck { check: self, raw, scope, taint, earlier: &steps };
            let step = step::step(part, diagnostics);
            steps.extend(step);
        }
        steps
    }

    /// What can be judged only when all steps are there, and none has mistakes of its own.
    fn across_steps(&self, steps: &[Step], diagnostics: &mut Diagnostics) {
        ending::mapped_once(self.raw, steps, diagnostics);
        let chosen = chosen::UserControlled::of(steps, self.scripts, self.reads);
        ask::across_steps(self.raw, steps, &chosen, diagnostics);
        skip::refuse(self.raw, steps, &chosen, diagnostics);
        cache::across_steps(self, steps, diagnostics);
        roles::each_elsewhere_is_compared(self.raw, steps, diagnostics);
        request::connection_through_proxy(self.raw, steps, diagnostics);
    }

    /// The scripts of the step at `index`, and what each reads.
    fn scripts_of(&self, index: usize) -> impl Iterator<Item = (&WrittenScript, &Reads)> {
        self.scripts.iter().zip(self.reads).filter(move |(script, _)| script.step == index)
    }
}

/// One step in progress.
#[derive(Clone, Copy)]
struct StepCheck<'a> {
    check: &'a Check<'a>,
    raw: &'a raw::Step,
    scope: names::Scope<'a>,
    taint: &'a roles::Taint,
    /// The steps before it that can be judged further.
    earlier: &'a [Step],
}

fn number(scripts: &mut [WrittenScript], next: &mut u32) {
    for script in scripts {
        script.source.id = script::ScriptId(*next);
        *next += 1;
    }
}

/// The id of a connector: its file's name without the ending, `[a-z0-9-]+`.
fn id_of(path: &Path, diagnostics: &mut Diagnostics) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        diagnostics.add(Diagnostic {
            severity: Severity::Error,
            code: "bad-id",
            message: format!("the file name `{stem}` is no connector id"),
            at: None,
            label: None,
            help: vec!["use lower-case letters, digits and hyphens, such as corp-4a.yaml".to_owned()],
        });
    }
    stem
}

/// The path of a file that the connector names, relative to the connector.
fn beside(file: &SourceFile, named: &str) -> PathBuf {
    file.path.parent().unwrap_or(Path::new("")).join(named)
}
