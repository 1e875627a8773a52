//! What the flow does for a scheme of `auth`: it sees replies, signs each try, and shows what it added.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, HeaderMap};
use tokio::time::Instant;

use super::plan::yes;
use super::planned::{connector, login};
use crate::connector::Connector;
use crate::flow::progress::Progress;
use crate::flow::{Exchange, Ports, Report, authenticate};
use crate::request::{FieldPlace, Prepared};
use crate::signing::target::{TargetPlan, add_header};
use crate::signing::{Scheme, ServerProof, ServerReply, SignError, Signature, Signing, SigningPorts};
use crate::template::Template;
use crate::upstream::{Outgoing, Reply, SendFault, Timings};
use crate::verdict::{Cause, Verdict};

/// Sends a probe, then signs with what the challenge said, in a header and in the query.
#[derive(Debug)]
struct Challenged;

impl Scheme for Challenged {
    fn templates(&self) -> Vec<&Template> {
        Vec::new()
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, _: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(Ok(Signature { probe: true, ..Signature::default() })))
    }

    fn again<'a>(
        &'a self,
        request: &'a mut Prepared,
        server: ServerReply<'a>,
        _: &'a SigningPorts<'a>,
    ) -> Signing<'a, Option<Signature>> {
        let mut signed = || -> Result<Option<Signature>, SignError> {
            if server.reply.status != 401 {
                return Ok(None);
            }
            let header = add_header(request, AUTHORIZATION, &format!("Test signature-{}", server.rounds))?;
            let query = TargetPlan::Field(FieldPlace::Query, "sign".to_owned()).put(request, "in-the-query")?;
            Ok(Some(Signature { added: vec![header, query], ..Signature::default() }))
        };
        Box::pin(std::future::ready(signed()))
    }
}

/// Answers with these statuses, in turn, and the last one for ever.
struct Statuses {
    given: &'static [u16],
    seen: Mutex<Vec<Outgoing>>,
}

impl Exchange for Statuses {
    fn send<'a>(&'a self, request: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let mut seen = self.seen.lock().unwrap();
        seen.push(request.clone());
        let status = self.given[(seen.len() - 1).min(self.given.len() - 1)];
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, "application/json".parse().unwrap())]);
        let body = if status == 200 { r#"{"s":1}"# } else { r#"{"m":"signature-1 in-the-query"}"# };
        Box::pin(std::future::ready(Ok(Reply { status, headers, body: body.into(), timings: Timings::default() })))
    }
}

fn run(scheme: Box<dyn Scheme>, given: &'static [u16]) -> (Report, Vec<Outgoing>) {
    let mut planned: Connector = connector(&[yes(true)]);
    Arc::get_mut(&mut planned.steps).unwrap()[0].auth = Some(scheme);
    let exchange = Statuses { given, seen: Mutex::default() };
    let progress = Progress::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let report = runtime.block_on(authenticate(&planned, Ports::bare(&exchange, &progress), login()));
    (report, exchange.seen.into_inner().unwrap())
}

#[test]
fn a_challenge_is_answered_and_the_credential_counted_once() {
    let (report, seen) = run(Box::new(Challenged), &[401, 200]);
    assert!(matches!(report.verdict, Verdict::Accept(_)), "{}", report.explain);
    assert_eq!(report.credential_sends, 1, "the probe carries none");
    assert_eq!(seen.iter().map(|request| request.carries_credential).collect::<Vec<_>>(), [false, true]);
    assert_eq!(seen[0].headers.iter().find(|(name, _)| name == AUTHORIZATION), None);
    assert_eq!(seen[1].url.query(), Some("sign=in-the-query"));
    let sent = report.steps[0].trace.as_ref().unwrap().request.as_ref().unwrap();
    let added: Vec<_> = sent.signed.iter().map(|added| (added.place, added.name.as_str())).collect();
    assert_eq!(added, [("header", "authorization"), ("query", "sign")]);
}

#[test]
fn a_server_that_asks_for_ever_is_given_up() {
    let (report, seen) = run(Box::new(Challenged), &[401]);
    assert!(!matches!(report.verdict, Verdict::Accept(_)));
    assert_eq!(seen.len(), 3);
    assert!(!report.explain.contains("in-the-query") && !report.explain.contains("signature-1"), "{}", report.explain);
}

/// A scheme whose token cannot be had.
#[derive(Debug)]
struct NoToken;

impl Scheme for NoToken {
    fn templates(&self) -> Vec<&Template> {
        Vec::new()
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, _: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        let why = "the token endpoint cannot be reached".to_owned();
        Box::pin(std::future::ready(Err(SignError::Unavailable(Cause::Connect, why))))
    }
}

#[test]
fn a_request_that_cannot_be_signed_is_not_sent() {
    let (report, seen) = run(Box::new(NoToken), &[200]);
    assert!(matches!(&report.verdict, Verdict::Unavailable(u) if u.cause == Cause::Connect), "{}", report.explain);
    assert_eq!(report.explain, "s0: the token endpoint cannot be reached");
    assert!(seen.is_empty());
    assert!(report.steps[0].trace.as_ref().unwrap().request.is_some(), "the trace shows what would have been signed");
}

/// Signs at once, and believes no reply.
#[derive(Debug)]
struct Doubting;

impl Scheme for Doubting {
    fn templates(&self) -> Vec<&Template> {
        Vec::new()
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, _: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(Ok(Signature { proof: Some(Box::new(Self)), ..Signature::default() })))
    }
}

impl ServerProof for Doubting {
    fn check(&self, _: &Reply) -> Result<(), SignError> {
        Err(SignError::Unavailable(Cause::UnexpectedReply, "the server's proof of itself is wrong".to_owned()))
    }
}

#[test]
fn a_reply_without_the_servers_proof_is_not_judged() {
    let (report, seen) = run(Box::new(Doubting), &[200]);
    assert!(
        matches!(&report.verdict, Verdict::Unavailable(u) if u.cause == Cause::UnexpectedReply),
        "{}",
        report.explain
    );
    assert_eq!(report.explain, "s0: the server's proof of itself is wrong");
    assert_eq!(seen.len(), 1);
}
