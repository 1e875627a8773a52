//! The files of a new directory, but for its connectors.

use doorward::config;
use doorward::connector::schema_text;
use serde_json::json;

/// One file to write.
pub(super) struct File {
    /// Below the directory.
    pub(super) path: String,
    /// What it is, as printed: a key of `doorward::lang`.
    pub(super) what: &'static str,
    pub(super) text: String,
    /// Whether others than the owner and the group may not read it.
    pub(super) private: bool,
}

impl File {
    pub(super) fn new(path: impl Into<String>, what: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.into(), what, text: text.into(), private: false }
    }
}

/// Where the schemas lie, for the first lines of connectors.
pub(super) const CONNECTOR_SCHEMA: &str = "schema/connector.schema.json";

/// All of them. `hash` is the token's.
pub(super) fn all(hash: &str) -> Vec<File> {
    let mut configuration = File::new("doorward.yaml", "init.file.configuration", configuration(hash));
    configuration.private = true;
    vec![
        configuration,
        File::new(CONNECTOR_SCHEMA, "init.file.schema", schema_text()),
        File::new("schema/doorward.schema.json", "init.file.configuration_schema", format!("{:#}\n", config::schema())),
        File::new(".vscode/settings.json", "init.file.editor", editor()),
        File::new(".gitignore", "init.file.gitignore", GITIGNORE),
    ]
}

const GITIGNORE: &str = "\
# Private keys, secrets, and what the daemon writes.
*.key
/credentials/
/environment
/audit/
";

/// Settings of editors with the YAML language server.
fn editor() -> String {
    let schemas = json!({ CONNECTOR_SCHEMA: "connectors/*.yaml", "schema/doorward.schema.json": "doorward.yaml" });
    format!("{:#}\n", json!({ "yaml.schemas": schemas }))
}

fn configuration(hash: &str) -> String {
    format!(
        r#"# yaml-language-server: $schema=schema/doorward.schema.json
#
# The configuration of `doorward serve`. Relative paths are relative to this file. `doorward check` reads it, and all that
# it names, without starting. Every other key, with its default: examples/doorward.yaml of the documentation.

# In clear on loopback or a Unix socket only. Elsewhere: tls, with 0.0.0.0:8443.
listen: "127.0.0.1:8443"
#tls: {{ cert_file: server.pem, key_file: server.key }}

# One file a connector; its name without .yaml is the connector's id.
connectors: connectors

clients:
  # The console. `doorward token new` draws another token; its hash goes here.
  - name: {client}
    token: "{hash}"
    scopes: [ authenticate ]        # also: test, read, reload

# Where connectors may connect to. Without `allow`: everywhere but loopback, link-local and cloud metadata addresses.
#egress: {{ allow: [ 10.0.0.0/8, "*.corp.example.com", 127.0.0.1 ] }}

# One JSON line a login. Under systemd: /var/lib/doorward/logins.jsonl
#audit: {{ file: audit/logins.jsonl }}
"#,
        client = super::CLIENT,
    )
}
