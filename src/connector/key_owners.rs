//! What a key that stands in the wrong map is a key of: `success` in a step is a key of a response.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::schema::schema;

/// More owners than one are no help: `name` is a key nearly everywhere.
const MAX_OWNERS: usize = 1;

/// What `key` is a key of: `a response`; `None` when there is no such key, or too many maps have one.
pub fn owner_of(key: &str) -> Option<String> {
    // The schema is made once, in the first file with such a mistake, and lists every map there is.
    static OWNERS: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let owners = OWNERS.get_or_init(|| {
        let mut owners = BTreeMap::new();
        collect(&schema(), &mut owners);
        owners
    });
    owners.get(key).filter(|maps| maps.len() <= MAX_OWNERS).map(|maps| maps.join(" or "))
}

/// Notes the keys of every map in `schema`. As deep as our own types nest.
fn collect(schema: &Value, owners: &mut BTreeMap<String, Vec<String>>) {
    if let (Some(what), Some(keys)) =
        (schema.get("title").and_then(Value::as_str), schema.get("properties").and_then(Value::as_object))
    {
        for key in keys.keys() {
            let maps = owners.entry(key.clone()).or_default();
            if !maps.iter().any(|map| map == what) {
                maps.push(what.to_owned());
            }
        }
    }
    match schema {
        Value::Object(members) => members.values().for_each(|member| collect(member, owners)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, owners)),
        _ => {}
    }
}
