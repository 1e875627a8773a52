//! `response`: decoding, rules, identity, captures, mapping, and the evidence that a factor's rules must rest on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::from_page::add_wanted;
use super::names::Scope;
use super::transport::max_document;
use super::{Check, StepCheck, condition, decrypt, jwt, roles, settings, source};
use crate::condition::{Condition, RejectRow, StepRules, Test, ValueSource};
use crate::connector::evidence::{Evidence, Weakness};
use crate::connector::raw;
use crate::connector::raw::response::{Extension as RawExtension, Mapping};
use crate::connector::{Capture, Identity, Match, ResponsePlan, Role};
use crate::context::Variable;
use crate::diagnostic::Diagnostics;
use crate::mapping::{Extension, MapPlan};
use crate::response::{Decoding, Format, ReplyCharset, Source, Wanted};
use crate::script::ScriptKind;
use crate::verdict::{Otherwise, Reason};

/// Compiles `response`. A step without one is a helper that goes by the status.
pub(super) fn response(
    part: StepCheck<'_>,
    role: Role,
    variables_read: &BTreeSet<Variable>,
    diagnostics: &mut Diagnostics,
) -> Option<ResponsePlan> {
    let StepCheck { check, raw: step, scope, .. } = part;
    let Some(raw) = &step.response else { return Some(none_written(part, role, diagnostics)) };
    let rules = rules(check, step, raw, scope, diagnostics);
    if let Some(written) = raw.otherwise.as_ref().filter(|_| role == Role::Helper) {
        let message = "`otherwise` is what a false `success` of a factor means; this step proves no user";
        let mistake = diagnostics.error_at("otherwise-of-helper", &written.span, message);
        diagnostics.add(mistake.help("leave it out: a helper that does not succeed is unavailable"));
    }
    let decrypt = raw.decrypt.as_ref().map(|decrypt| decrypt::decrypt(part, raw, decrypt, diagnostics));
    let jwt = raw.jwt.as_ref().map(|jwt| jwt::jwt(part, jwt, diagnostics));
    let decoding = decoding(check, raw, diagnostics);
    let counts = roles::comparison_counts(role, variables_read, part);
    let identity = raw.identity.as_ref().map(|identity| self::identity(part, identity, counts, diagnostics));
    let captures = captures(check, raw, scope, diagnostics);
    let map = raw.map.as_ref().map_or_else(|| Some(MapPlan::default()), |map| mapping(check, map, scope, diagnostics));
    let rules = rules?;
    let waived = if role == Role::Factor { evidence(part, raw, &rules, diagnostics) } else { BTreeSet::new() };
    let named_statuses = rules.named_statuses();
    location_without_redirect(raw, &named_statuses, diagnostics);
    let identity = identity.map_or(Some(None), |it| it.map(Some))?;
    let decrypt = decrypt.map_or(Some(None), |it| it.map(Some))?;
    let jwt = jwt.map_or(Some(None), |it| it.map(Some))?;
    let mut plan = ResponsePlan {
        decrypt,
        jwt,
        decoding: decoding?,
        waived,
        preprocess: part.script(ScriptKind::Preprocess),
        rules,
        named_statuses,
        identity,
        captures: captures?,
        map: map?,
    };
    jwt::claims_are_used(raw, &plan, diagnostics);
    // All that is asked of a page is found in one go, when it is decoded.
    let mut wanted = asked_by(&plan);
    add_wanted(check.raw, &step.name.text, &mut wanted);
    plan.decoding.wanted = Arc::new(wanted);
    Some(plan)
}

/// The plan of a step without `response`.
fn none_written(part: StepCheck<'_>, role: Role, diagnostics: &mut Diagnostics) -> ResponsePlan {
    let StepCheck { check, raw: step, .. } = part;
    if role == Role::Factor {
        no_success(step, diagnostics);
    }
    let mut wanted = Wanted::default();
    add_wanted(check.raw, &step.name.text, &mut wanted);
    ResponsePlan {
        decrypt: None,
        jwt: None,
        decoding: Decoding { wanted: Arc::new(wanted), most: max_document(check.raw), ..Decoding::default() },
        preprocess: None,
        rules: StepRules {
            reject: Vec::new(),
            unavailable: None,
            more: None,
            pending: None,
            success: None,
            otherwise: Otherwise::Reject(Reason::InvalidCredentials),
            declared: false,
        },
        waived: BTreeSet::new(),
        named_statuses: Vec::new(),
        identity: None,
        captures: Vec::new(),
        map: MapPlan::default(),
    }
}

/// `identity`; `counts` when its comparison would say something about the user who was proven.
fn identity(
    part: StepCheck<'_>,
    raw: &raw::response::Identity,
    counts: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Identity> {
    let source = source::source(part.check, &raw.source, part.scope, diagnostics)?;
    if !source.each().iter().all(|one| matches!(one, ValueSource::Reply(_) | ValueSource::Claim(_))) {
        let message = "`identity` is what this reply says; a variable or a constant says what is known already";
        let mistake = diagnostics.error_at("identity-not-of-the-reply", &raw.source.span, message);
        diagnostics.add(mistake.help("name where the reply says who was authenticated: { field: … }"));
    }
    let how = raw.r#match.as_ref().map_or(Match::Exact, |how| how.value);
    Some(Identity { source, how, counts: counts && how != Match::Report })
}

/// The evidence of a factor's rules; what the file acknowledges that they rest on.
fn evidence(
    part: StepCheck<'_>,
    raw: &raw::Response,
    rules: &StepRules,
    diagnostics: &mut Diagnostics,
) -> BTreeSet<Weakness> {
    let mut waived = BTreeSet::new();
    for (name, written, compiled) in [("success", &raw.success, &rules.success), ("more", &raw.more, &rules.more)] {
        if let (Some(written), Some(compiled)) = (written, compiled) {
            waived.extend(rests_on(part, NamedRule { name, written, compiled }, diagnostics));
        }
    }
    if raw.success.is_none() {
        no_success(part.raw, diagnostics);
    }
    // What a script makes of a cookie or a header looks like a field to a rule.
    if raw.preprocess.is_some() || raw.preprocess_file.is_some() {
        let acknowledged = WAIVABLE.iter().filter(|(_, lint)| settings::acknowledged(part.check.raw, lint));
        waived.extend(acknowledged.map(|(of, _)| *of));
    }
    waived
}

/// What the step itself asks of a page.
fn asked_by(plan: &ResponsePlan) -> Wanted {
    let mut wanted = Wanted::default();
    for source in plan.sources() {
        if let ValueSource::Reply(Source::Css(css)) = source
            && !wanted.css.contains(css)
        {
            wanted.css.push(css.clone());
        }
    }
    wanted
}

/// The plan whose pages are asked, too, for what `conditions` look at.
pub(super) fn asking_page<'c>(mut plan: ResponsePlan, conditions: impl Iterator<Item = &'c Condition>) -> ResponsePlan {
    for (leaf, _) in conditions.flat_map(Condition::leaves) {
        if let Test::Compare(ValueSource::Reply(Source::Css(css)), _) = &leaf.test
            && !plan.decoding.wanted.css.contains(css)
        {
            Arc::make_mut(&mut plan.decoding.wanted).css.push(css.clone());
        }
    }
    plan
}

fn no_success(step: &raw::Step, diagnostics: &mut Diagnostics) {
    // A key that is misspelt is the reason why it is missing.
    if diagnostics.has_within("unknown-key", &step.place.span) {
        return;
    }
    let span = &step.name.span;
    let mistake = diagnostics.error_at("no-success", span, "a step that proves the user needs a `success`");
    diagnostics.add(mistake.help("say what only a right password brings: success: { field: …, equals: … }"));
}

fn rules(
    check: &Check<'_>,
    step: &raw::Step,
    raw: &raw::Response,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<StepRules> {
    let before = diagnostics.count();
    let mut one = |written: &Option<raw::Condition>| -> Option<Condition> {
        written.as_ref().and_then(|condition| condition::condition(check, condition, scope, diagnostics))
    };
    let (unavailable, more, pending, success) =
        (one(&raw.unavailable), one(&raw.more), one(&raw.pending), one(&raw.success));
    let reject: Vec<Option<RejectRow>> = raw
        .reject
        .iter()
        .map(|row| {
            let when = condition::condition(check, &row.when, scope, diagnostics)?;
            let message = row.message.as_ref().map(|message| message.text.clone());
            Some(RejectRow { when, reason: row.reason.value, message })
        })
        .collect();
    let reject = reject.into_iter().collect::<Option<Vec<_>>>()?;
    let otherwise = raw.otherwise.as_ref().map_or_else(|| usual_otherwise(step, &reject), |written| written.value);
    let declared = raw.format.as_ref().is_some_and(|it| it.value != Format::Auto);
    let rules = StepRules { reject, unavailable, more, pending, success, otherwise, declared };
    (diagnostics.count() == before).then_some(rules)
}

/// Where a row says what a wrong password looks like, what looks otherwise is none; else everything is that is no success.
fn usual_otherwise(step: &raw::Step, reject: &[RejectRow]) -> Otherwise {
    let (wrong, rows): (_, &[Reason]) = if step.ask.is_some() {
        (Reason::MfaFailed, &[Reason::MfaFailed, Reason::InvalidCredentials])
    } else {
        (Reason::InvalidCredentials, &[Reason::InvalidCredentials])
    };
    if reject.iter().any(|row| rows.contains(&row.reason)) { Otherwise::Unavailable } else { Otherwise::Reject(wrong) }
}

/// What a connector may say that it rests on, because there is nothing better.
const WAIVABLE: [(Weakness, &str); 3] = [
    (Weakness::Cookie, "cookie_evidence"),
    (Weakness::UsualHeader, "header_evidence"),
    (Weakness::Status, "status_only"),
];

/// `success` or `more` of a factor.
#[derive(Clone, Copy)]
struct NamedRule<'a> {
    name: &'static str,
    written: &'a raw::Condition,
    compiled: &'a Condition,
}

/// The evidence of docs/contract.md section 4.6. Returns what the file acknowledges that the rule rests on.
fn rests_on(part: StepCheck<'_>, rule: NamedRule<'_>, diagnostics: &mut Diagnostics) -> Vec<Weakness> {
    let NamedRule { name, written, compiled } = rule;
    let mut waived = Vec::new();
    for (weakness, leaf) in Evidence::of(compiled, part.raw.request.is_none()).weaknesses() {
        let lint = WAIVABLE.iter().find(|(waivable, _)| *waivable == weakness).map(|(_, lint)| *lint);
        if lint.is_some_and(|lint| settings::acknowledged(part.check.raw, lint)) {
            waived.push(weakness);
            continue;
        }
        let message = match weakness {
            Weakness::Exists => {
                let message =
                    format!("`{name}` can be met by `{leaf}` alone, which \"false\", 0 and a blank meet as well");
                let mistake = diagnostics.error_at("exists-evidence", &written.place.span, message).as_warning();
                diagnostics
                    .add(mistake.help("write has_value: true, or compare with what only a right password brings"));
                continue;
            }
            Weakness::Cookie => format!("`{name}` can be met by `{leaf}` alone, and any page may set a cookie"),
            Weakness::UsualHeader => format!("`{name}` can be met by `{leaf}` alone, which a login page has as well"),
            Weakness::Status => format!("`{name}` can be met by the status alone, which a page of a proxy has as well"),
            Weakness::Nothing => {
                format!("`{name}` can be met by what the reply is not, and a login page is not that either")
            }
        };
        let help = match lint {
            Some(lint) => format!(
                "look at something that only a right password brings; if there is nothing, write acknowledge: {{ {lint}: why }}"
            ),
            None => {
                "look at something that only a right password brings: { field: …, equals: … } on every way of `any`"
                    .to_owned()
            }
        };
        diagnostics.add(diagnostics.error_at("no-evidence", &written.place.span, message).help(help));
    }
    waived
}

fn location_without_redirect(raw: &raw::Response, named: &[u16], diagnostics: &mut Diagnostics) {
    if named.iter().any(|status| (300..400).contains(status)) {
        return;
    }
    let rules = raw.reject.iter().map(|row| &row.when);
    let rules = rules.chain(&raw.unavailable).chain(&raw.more).chain(&raw.pending).chain(&raw.success);
    for span in rules.filter_map(condition::location_leaf) {
        let message = "a rule on Location needs a 3xx status: without one such a reply is not judged at all";
        let mistake = diagnostics.error_at("location-without-status", span, message);
        diagnostics.add(mistake.help("write all: [ { status: 302 }, { header: Location, … } ]"));
    }
}

fn decoding(check: &Check<'_>, raw: &raw::Response, diagnostics: &mut Diagnostics) -> Option<Decoding> {
    let format = raw.format.as_ref().map(|format| format.value.clone()).unwrap_or_default();
    let charset = match &raw.charset {
        None => ReplyCharset::default(),
        Some(label) => {
            if let Some(charset) = ReplyCharset::parse(&label.text) {
                charset
            } else {
                let message = format!("`{}` is no charset", label.text);
                let mistake = diagnostics.error_at("charset", &label.span, message);
                diagnostics
                    .add(mistake.help("known are auto, utf-8, gbk, gb18030, big5 and others of the WHATWG list"));
                return None;
            }
        }
    };
    Some(Decoding { format, charset, most: max_document(check.raw), ..Decoding::default() })
}

fn captures(
    check: &Check<'_>,
    raw: &raw::Response,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Capture>> {
    let captures = raw.capture.iter().map(|(name, capture)| {
        let source = source::source(check, &capture.source, scope, diagnostics)?;
        let flag = |flag: &Option<raw::Spanned<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
        let (public, optional) = (flag(&capture.public), flag(&capture.optional));
        Some(Capture { name: name.value.clone(), source, public, optional })
    });
    // Collected first: every capture is looked at, whatever the first mistake was.
    captures.collect::<Vec<_>>().into_iter().collect()
}

fn mapping(check: &Check<'_>, raw: &Mapping, scope: Scope<'_>, diagnostics: &mut Diagnostics) -> Option<MapPlan> {
    let before = diagnostics.count();
    let mut one = |source: &raw::Source| source::source(check, source, scope, diagnostics);
    let mut named = |dict: &raw::Dict<raw::Source>| -> Vec<_> {
        dict.iter().filter_map(|(name, source)| Some((name.value.clone(), one(source)?))).collect()
    };
    let attributes = named(&raw.attributes);
    let extension = match &raw.extension {
        None => None,
        Some(RawExtension::Object(parts)) => Some(Extension::Parts(named(parts))),
        Some(RawExtension::Whole(source)) => one(source).map(Extension::Whole),
    };
    let (error_code, error_message) =
        (raw.error_code.as_ref().and_then(&mut one), raw.error_message.as_ref().and_then(&mut one));
    (diagnostics.count() == before).then_some(MapPlan { error_code, error_message, extension, attributes })
}
