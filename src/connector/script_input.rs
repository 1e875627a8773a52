//! The parameters of a script as JSON text (DESIGN.md section 3).

use crate::context::Context;
use crate::document::{Number, Object, Value, to_json};
use crate::response::{Decoded, Kind as ReplyKind};
use crate::upstream::Reply;

/// Integers beyond this lose digits in JavaScript and go in as strings (ECMA-262 Number.MAX_SAFE_INTEGER).
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Parameters of a variables script.
pub fn variables(context: &Context) -> String {
    to_json(&Value::Object(parameters(context)))
}

/// Parameters of a preprocess script: the same, the raw reply and the document (`{}` for text).
pub fn preprocess(context: &Context, reply: &Reply, decoded: &Decoded) -> String {
    let mut all = parameters(context);
    let mut headers = Object::new();
    for name in reply.headers.keys() {
        let mut values: Vec<Value> = reply
            .headers
            .get_all(name)
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned().into())
            .collect();
        let list = name == http::header::SET_COOKIE || values.len() > 1;
        let value = if list { Value::Array(values) } else { values.remove(0) };
        headers.insert(name.as_str().to_owned(), value);
    }
    let data: Value = [
        ("headers".to_owned(), Value::Object(headers)),
        ("body".to_owned(), Value::Text(decoded.text.clone().unwrap_or_default())),
    ]
    .into_iter()
    .collect();
    let response = [("statusCode".to_owned(), Value::from(u64::from(reply.status))), ("data".to_owned(), data)];
    all.insert("response".to_owned(), response.into_iter().collect());
    let result = match (decoded.kind, &decoded.document) {
        (ReplyKind::Text, _) | (_, Err(_)) => Value::Object(Object::new()),
        (_, Ok(document)) => document.clone(),
    };
    all.insert("result".to_owned(), safe(result));
    to_json(&Value::Object(all))
}

fn parameters(context: &Context) -> Object {
    let mut user: Object = [
        ("username".to_owned(), Value::from(context.user.username.as_str())),
        // The script of this login is where the connector computes with the password.
        ("userPassword".to_owned(), Value::from(context.user.password.expose())),
    ]
    .into_iter()
    .collect();
    let text = |secret: &crate::secret::Secret| Value::from(secret.expose());
    user.insert("fields".to_owned(), context.user.fields.iter().map(|(n, v)| (n.clone(), text(v))).collect());
    if let Some(ip) = context.user.client_ip {
        user.insert("clientIp".to_owned(), ip.to_string().into());
    }
    for (name, value) in &context.user.attributes {
        user.insert(name.clone(), safe(value.clone()));
    }
    let steps = context.steps.iter().map(|(name, facts)| {
        let mut step: Object =
            facts.captures.iter().map(|(n, v)| (n.clone(), safe(v.clone().unwrap_or_default()))).collect();
        step.insert("outcome".to_owned(), facts.outcome.as_str().into());
        step.insert("status".to_owned(), facts.status.map_or(Value::Null, |status| u64::from(status).into()));
        (name.clone(), Value::Object(step))
    });
    let now = &context.step;
    let pairs = |list: &[(&str, Value)]| list.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect::<Value>();
    [
        ("user".to_owned(), Value::Object(user)),
        ("env".to_owned(), safe(Value::Object(context.env.clone()))),
        ("steps".to_owned(), steps.collect()),
        ("secret".to_owned(), context.secrets.iter().map(|(n, v)| (n.clone(), text(v))).collect()),
        ("answer".to_owned(), context.answers.iter().map(|(n, v)| (n.clone(), text(v))).collect()),
        (
            "time".to_owned(),
            pairs(&[
                ("unix", now.unix.into()),
                ("unix_ms", now.unix_ms.into()),
                ("iso8601", now.iso8601.as_str().into()),
                ("compact", now.compact.as_str().into()),
            ]),
        ),
        (
            "random".to_owned(),
            pairs(&[
                ("hex16", now.hex16.as_str().into()),
                ("uuid", now.uuid.as_str().into()),
                ("digits6", now.digits6.as_str().into()),
            ]),
        ),
        ("request".to_owned(), pairs(&[("id", context.request_id.as_str().into())])),
    ]
    .into_iter()
    .collect()
}

/// Integers that JavaScript cannot hold exactly become strings.
fn safe(value: Value) -> Value {
    match value {
        Value::Number(number) if loses_digits(&number) => Value::Text(number.as_str().to_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(safe).collect()),
        Value::Object(object) => object.into_iter().map(|(name, value)| (name, safe(value))).collect(),
        other => other,
    }
}

fn loses_digits(number: &Number) -> bool {
    let digits = number.as_str().trim_start_matches('-');
    digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u64>().map_or(true, |n| n > MAX_SAFE_INTEGER)
}
