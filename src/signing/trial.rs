//! For the tests of schemes: a scheme as a file writes it, over a request as a plan renders it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Auth, Compile, Scheme, ServerReply, SignError, Signature, SigningPorts, TokenStore};
use crate::clock::Ambient;
use crate::context::{Context, Variable};
use crate::diagnostic::{Diagnostics, SourceFile, Span};
use crate::reading::{FromNode as _, Text, read_keyed};
use crate::request::{CompileOptions, Prepared, RequestPlan, raw};
use crate::template::{Language, Place, Template};
use crate::upstream::{Exchange, Outgoing, Reply, SendFault};
use crate::yaml;

fn file(text: &str) -> Diagnostics {
    Diagnostics::new(Arc::new(SourceFile { path: PathBuf::from("a.yaml"), text: text.to_owned() }))
}

/// The keys of `request` as a file writes them.
pub(super) fn request(keys: &serde_json::Value) -> RequestPlan {
    let mut diagnostics = file(&keys.to_string());
    let node = yaml::parse(&mut diagnostics).unwrap();
    let raw: raw::Request = read_keyed(&node, &mut diagnostics).unwrap();
    let plan = RequestPlan::compile(&raw, CompileOptions::new(&Language::default()), &mut diagnostics);
    plan.unwrap_or_else(|| panic!("{:?}", diagnostics.into_list()))
}

/// A request with this form or, when `body` is empty, none.
pub(super) fn form(method: &str, url: &str, body: &[(&str, &str)]) -> RequestPlan {
    let mut keys = serde_json::json!({ "method": method, "url": url });
    if !body.is_empty() {
        let fields: serde_json::Map<_, _> =
            body.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        keys["body"] = serde_json::json!({ "form": fields });
    }
    request(&keys)
}

/// Compiles `auth: …`; the codes of its diagnostics.
pub(super) fn scheme(auth: &str, plan: &RequestPlan) -> Result<Box<dyn Scheme>, Vec<&'static str>> {
    let mut diagnostics = file(auth);
    let node = yaml::parse(&mut diagnostics).unwrap();
    let read = Auth::read(&node, &mut diagnostics);
    let language = Language::default();
    let templates = |text: &Text, place: Place, diagnostics: &mut Diagnostics| {
        let parsed = Template::parse(&text.text, &Language::default());
        if parsed.is_err() {
            diagnostics.add(diagnostics.error_at("template", &text.span, "no template"));
        }
        parsed.ok().filter(|template| template.check(place).is_empty())
    };
    let at: Span = node.span.clone();
    let plan = read.and_then(|auth| {
        let request = Some(plan);
        let credential = &Variable::is_credential;
        let (templates, language, at) = (&templates, &language, &at);
        auth.compile(&mut Compile { templates, language, credential, request, at, diagnostics: &mut diagnostics })
    });
    plan.ok_or_else(move || diagnostics.into_list().iter().map(|found| found.code).collect())
}

/// 2024-01-02T03:04:05Z, and the bytes 0, 1, 2 …
pub(super) struct Fixed(pub u64, AtomicU8);

impl Fixed {
    pub(super) fn at(unix: u64) -> Self {
        Self(unix * 1000, AtomicU8::new(0))
    }
}

impl Ambient for Fixed {
    fn unix_ms(&self) -> u64 {
        self.0
    }

    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct NoExchange;

impl Exchange for NoExchange {
    fn send<'a>(&'a self, _: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        unreachable!("nothing is asked for")
    }
}

pub(super) fn with_ports<R>(context: &Context, ambient: &dyn Ambient, run: impl FnOnce(&SigningPorts<'_>) -> R) -> R {
    let deadline = Instant::now() + Duration::from_mins(1);
    run(&SigningPorts { context, ambient, exchange: &NoExchange, deadline, tokens: &TokenStore::default() })
}

/// Signs a request.
pub(super) fn sign(
    scheme: &dyn Scheme,
    plan: &RequestPlan,
    context: &Context,
    ambient: &dyn Ambient,
) -> Result<(Prepared, Signature), SignError> {
    let mut request = plan.render(context, None).unwrap();
    let signature = with_ports(context, ambient, |ports| scheme.sign(&mut request, ports).now_or_never().unwrap())?;
    Ok((request, signature))
}

/// Answers a reply.
pub(super) fn again(
    scheme: &dyn Scheme,
    plan: &RequestPlan,
    (context, ambient): (&Context, &dyn Ambient),
    (reply, rounds): (&Reply, u32),
) -> Result<Option<(Prepared, Signature)>, SignError> {
    let mut request = plan.render(context, None).unwrap();
    let server = ServerReply { reply, probe: rounds == 0, rounds, repeatable: false, end_point: None };
    let answer =
        with_ports(context, ambient, |ports| scheme.again(&mut request, server, ports).now_or_never().unwrap())?;
    Ok(answer.map(|signature| (request, signature)))
}

/// What was added under this name.
pub(super) fn added(signature: &Signature, name: &str) -> String {
    signature.added.iter().find(|added| added.name == name).unwrap().value.expose().to_owned()
}
