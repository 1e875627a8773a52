//! A SOAP 1.1 service: an envelope in, an envelope out, each element in its namespace.
//!
//! The reader takes exactly the elements of the contract, in their order; DOCTYPE, comments, attributes and anything
//! unknown make a Fault with status 500, as SOAP 1.1 section 6.2 says.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use quick_xml::NsReader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::json::{code, message};
use super::people::LoginResult;
use super::wire::{Flaw, Wire, flaw};
use super::{Attempt, Server, token};

/// The namespace of SOAP 1.1 envelopes.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The service's own namespace.
const SERVICE: &str = "urn:example:4a:auth";
/// How deep the elements that hold text stand, the envelope being 0.
const LEAF: usize = 3;
/// What the SOAPAction header must name.
const ACTION: &str = "\"urn:example:4a:auth#Authenticate\"";

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/ws/AuthService", post(authenticate))
}

async fn authenticate(State(server): State<Arc<Server>>, wire: Wire) -> Response {
    let (status, body) = match server.decide(&server.salted, &wire, read(&wire)) {
        Ok((LoginResult::Accepted, login)) => {
            let person = server.salted.person(&login);
            let user = format!("<a:loginName>{}</a:loginName><a:name>{}</a:name>", person.login, person.name);
            let more = format!("<a:token>{}</a:token><a:user status=\"active\">{user}</a:user>", token());
            (StatusCode::OK, result(200, "认证通过", &more))
        }
        Ok((refusal, _)) => (StatusCode::OK, result(code(refusal), message(refusal), "")),
        Err(flaw) => {
            let text = escape(&flaw.0);
            let fault = format!("<s:Fault><faultcode>s:Client</faultcode><faultstring>{text}</faultstring></s:Fault>");
            (StatusCode::INTERNAL_SERVER_ERROR, fault)
        }
    };
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope xmlns:s=\"{SOAP}\"><s:Body>{body}</s:Body></s:Envelope>"
    );
    (status, [(header::CONTENT_TYPE, "text/xml; charset=utf-8")], envelope).into_response()
}

fn result(code: u16, message: &str, more: &str) -> String {
    format!(
        "<a:AuthenticateResponse xmlns:a=\"{SERVICE}\"><a:return><a:code>{code}</a:code>\
         <a:message>{message}</a:message>{more}</a:return></a:AuthenticateResponse>"
    )
}

fn read(wire: &Wire) -> Result<Attempt, Flaw> {
    wire.expect_type("text/xml", "utf-8")?;
    if wire.header(HeaderName::from_static("soapaction"))? != ACTION {
        return flaw("unknown SOAPAction");
    }
    let mut expected = [
        (SOAP, "Envelope", 0),
        (SOAP, "Body", 1),
        (SERVICE, "Authenticate", 2),
        (SERVICE, "loginName", LEAF),
        (SERVICE, "password", LEAF),
    ]
    .into_iter();
    let leaves = leaves(&wire.text()?, &mut expected)?;
    match <[String; 2]>::try_from(leaves) {
        Ok([login, sent]) if expected.next().is_none() => Ok(Attempt { login, sent }),
        _ => flaw("an element is missing"),
    }
}

/// The texts of the leaves, when the elements are those of `expected` (namespace, name, depth) in that order. The
/// parser itself refuses tags that do not match.
fn leaves(
    xml: &str,
    expected: &mut impl Iterator<Item = (&'static str, &'static str, usize)>,
) -> Result<Vec<String>, Flaw> {
    let mut reader = NsReader::from_str(xml);
    let mut leaves: Vec<String> = Vec::new();
    let mut open = 0; // elements
    loop {
        let (space, event) = reader.read_resolved_event().map_err(|_| Flaw("the XML is broken".to_owned()))?;
        match event {
            Event::Start(start) => {
                let Some((wanted_space, wanted_name, depth)) = expected.next() else {
                    return flaw("an element too many");
                };
                only_namespaces(&start)?;
                let in_space = space == ResolveResult::Bound(Namespace(wanted_space));
                if !in_space || start.local_name().as_ref() != wanted_name || open != depth {
                    return flaw(format!("something else where {wanted_name} should stand"));
                }
                open += 1;
                leaves.extend((depth == LEAF).then(String::new));
            }
            Event::End(_) => open -= 1,
            Event::Text(text) => add(&mut leaves, open, &text.xml10_content())?,
            Event::CData(text) => add(&mut leaves, open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| Flaw("a broken reference".to_owned()))?;
                let named = quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).map(str::to_owned);
                match character.map(String::from).or(named) {
                    Some(text) => add(&mut leaves, open, &text)?,
                    None => return flaw("an unknown entity"),
                }
            }
            Event::Decl(_) => {}
            Event::Eof if open == 0 => return Ok(leaves),
            Event::Eof => return flaw("an element is open at the end"),
            _ => return flaw("something in the XML that is not in the contract"),
        }
    }
}

fn only_namespaces(start: &BytesStart<'_>) -> Result<(), Flaw> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Flaw("a broken attribute".to_owned()))?;
        if attribute.key.as_namespace_binding().is_none() {
            return flaw("an attribute");
        }
    }
    Ok(())
}

fn add(leaves: &mut [String], open: usize, text: &str) -> Result<(), Flaw> {
    match leaves.last_mut() {
        Some(leaf) if open == LEAF + 1 => leaf.push_str(text),
        _ if text.trim().is_empty() => {}
        _ => return flaw("text between elements"),
    }
    Ok(())
}
