//! Where a key belongs that stands in the wrong map: `success` in a step belongs to its response.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// More places than one are no help: `name` is a key nearly everywhere.
const MOST: usize = 1;

/// What `key` is a key of: `a response`; `None` when there is no such key, or too many places have one.
pub fn of(key: &str) -> Option<String> {
    // The schema is made once, in the first file with such a mistake, and lists every map there is.
    static HOMES: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let homes = HOMES.get_or_init(|| {
        let mut homes = BTreeMap::new();
        collect(&crate::connector::schema(), &mut homes);
        homes
    });
    homes.get(key).filter(|places| places.len() <= MOST).map(|places| places.join(" or "))
}

/// Notes the keys of every map in `schema`. As deep as our own types nest.
fn collect(schema: &Value, homes: &mut BTreeMap<String, Vec<String>>) {
    if let (Some(what), Some(keys)) =
        (schema.get("title").and_then(Value::as_str), schema.get("properties").and_then(Value::as_object))
    {
        for key in keys.keys() {
            let places = homes.entry(key.clone()).or_default();
            if !places.iter().any(|place| place == what) {
                places.push(what.to_owned());
            }
        }
    }
    match schema {
        Value::Object(members) => members.values().for_each(|member| collect(member, homes)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, homes)),
        _ => {}
    }
}
