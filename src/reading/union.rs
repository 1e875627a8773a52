//! "Exactly one of these keys": choosing it when a file is read, and saying so in the schema.

use serde_json::{Value, json};

use crate::diagnostic::Diagnostics;
use crate::yaml::Entry;

use super::read::{Keys, MapReader};

/// The one entry of `keys` that the map has; a mistake when there is none or more than one.
pub fn choose<'n>(map: &mut MapReader<'n>, keys: &[&'static str], diagnostics: &mut Diagnostics) -> Option<&'n Entry> {
    let mut written: Vec<&Entry> = keys.iter().filter_map(|key| map.entry(key)).collect();
    written.sort_by_key(|entry| entry.key_span.start);
    match written.as_slice() {
        [one] => Some(one),
        [] => {
            // `close` reports an unknown key, with the known ones; a second report would say the same.
            if !map.has_unknown() {
                let (message, label) = if map.place().first_key().is_none() {
                    (format!("{} is empty", map.what()), "no keys")
                } else {
                    (format!("{} has none of the keys `{}`", map.what(), keys.join("`, `")), "one of them is missing")
                };
                let mistake = diagnostics.error_at("missing-key", map.head(), message);
                diagnostics.add(mistake.label(label).help(format!("write one of the keys {}", keys.join(" "))));
            }
            None
        }
        [first, second, ..] => {
            let mistake = diagnostics
                .error_at(
                    "too-many-keys",
                    &second.key_span,
                    format!("{} takes one of `{}` and `{}`, not both", map.what(), first.key, second.key),
                )
                .label(format!("`{}` was written before it", first.key))
                .help("keep one of them");
            diagnostics.add(mistake);
            None
        }
    }
}

/// Says in the schema that exactly one of `keys` of `object` must be there. Further keys of `object` are described before.
pub fn exactly_one(object: &mut Keys, keys: &[&str]) {
    object.required.retain(|key| !key.as_str().is_some_and(|key| keys.contains(&key)));
    if object.properties.len() == keys.len() {
        object.more.insert("minProperties".into(), json!(1));
        object.more.insert("maxProperties".into(), json!(1));
    } else {
        object.more.insert("allOf".into(), json!([one_required(keys)]));
    }
}

/// The schema that exactly one of `keys` is there, whatever else is.
pub fn one_required(keys: &[&str]) -> Value {
    let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
    json!({ "oneOf": each })
}

/// Notes that a source names none of the keys of which it has one, or more than one; `written` are those that stand there.
pub fn not_one_source(map: &mut MapReader<'_>, written: &[&str], keys: &[&'static str], diagnostics: &mut Diagnostics) {
    if let [first, second, ..] = written {
        let message = format!("{} takes one of `{first}` and `{second}`, not both", map.what());
        let place = map.place();
        let mistake = diagnostics.error_at("too-many-keys", place.key(second), message).label("a second source");
        diagnostics.add(mistake.help("keep one of them"));
        return;
    }
    let message = format!("{} does not say where its value comes from", map.what());
    let mistake = diagnostics.error_at("missing-key", map.head(), message).label("no source");
    map.lack(mistake.help(format!("write one of the keys {}", keys.join(" "))), keys);
}
