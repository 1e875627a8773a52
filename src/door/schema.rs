//! The JSON Schema of door files, made from the raw types.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::RawDoor;

/// The schema (draft 2020-12), as committed in docs/door.schema.json.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RawDoor>();
    schema.insert("title".into(), "A door of Doorward".into());
    schema.to_value()
}

/// The schema as the file: indented, with a line end.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}
