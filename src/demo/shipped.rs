//! The shipped connectors as part of the binary, with a login of each kind to try, so that the demo needs no file.
//!
//! Data only: what is expected stands here as words, and nothing here loads or runs a connector.

use std::io;
use std::path::{Path, PathBuf};

use super::people::PEOPLE;

/// A connector of `connectors/`.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// The file's name without its ending.
    pub id: &'static str,
    /// The file.
    pub yaml: &'static str,
    /// A user name that would break out of a careless template of this protocol.
    pub hostile: &'static str,
    /// The reason of the reject that it must come to.
    pub refused: &'static str,
    /// Whether the app packs the password with its own fields.
    pub packed: bool,
}

/// An injection into the upstream's JSON.
const INTO_JSON: &str = r#"lisi","user-name":"zhangsan"#;
/// An injection into the upstream's form or query.
const INTO_FORM: &str = "lisi&username=zhangsan&uid=zhangsan#";

macro_rules! shipped {
    ($($id:literal $hostile:expr, $refused:literal $(, $packed:ident)?;)*) => {
        /// All of them, by name.
        pub const CONNECTORS: &[Shipped] = &[$(Shipped {
            id: $id,
            yaml: include_str!(concat!("../../connectors/", $id, ".yaml")),
            hostile: $hostile,
            refused: $refused,
            packed: shipped!(@packed $($packed)?),
        },)*];
    };
    (@packed) => { false };
    (@packed packed) => { true };
}

shipped! {
    "cookie-only" INTO_FORM, "invalid_credentials";
    "extension-parts" INTO_JSON, "invalid_credentials";
    "extension-whole" INTO_JSON, "invalid_credentials";
    "form" INTO_FORM, "invalid_credentials";
    "foura-json-md5" INTO_JSON, "invalid_credentials";
    "foura-json-md5-filter" "{{user.userPassword}}", "invalid_credentials";
    "foura-md5-sha1" INTO_JSON, "invalid_credentials";
    "gbk" INTO_FORM, "invalid_credentials";
    "json-in-json" r#"","result":"SUCCESS","ticket":"1"#, "invalid_credentials";
    "json-message-conditions" r#"lisi","success":true,"x":""#, "invalid_credentials";
    "multipart" "x\r\n--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nzhangsan", "invalid_credentials";
    "plain-text" "lisi;user=zhangsan", "invalid_input";
    "query-headers-cookies" "lisi&loginName=zhangsan#", "invalid_credentials";
    "sdk-fields" INTO_JSON, "invalid_credentials", packed;
    "sdk-fields-script" INTO_JSON, "invalid_credentials", packed;
    "soap" "x</auth:loginName><auth:loginName>zhangsan", "invalid_credentials";
    "text-pairs" INTO_FORM, "invalid_credentials";
    "text-script" INTO_FORM, "invalid_credentials";
}

/// The files of `scripts/`.
pub const SCRIPTS: &[(&str, &str)] = &[
    ("json-in-string.js", include_str!("../../scripts/json-in-string.js")),
    ("md5-password.js", include_str!("../../scripts/md5-password.js")),
    ("sdk-password.js", include_str!("../../scripts/sdk-password.js")),
];

/// The environment variables of secrets that the shipped connectors read, and what the demo server takes for them.
pub const SECRETS: &[(&str, &str)] = &[("FOURA_APP_KEY", super::query::APP_KEY)];

impl Shipped {
    /// What an app puts into the password field for this password.
    pub fn packed(&self, password: &str) -> String {
        if self.packed {
            format!("{{client_id:1,password:{}}}", serde_json::Value::from(password))
        } else {
            password.to_owned()
        }
    }

    /// User name and password of the first person, who may log in.
    pub fn right(&self) -> (&'static str, String) {
        (PEOPLE[0].login, self.packed(PEOPLE[0].password))
    }

    /// The same with a wrong password.
    pub fn wrong(&self) -> (&'static str, String) {
        (PEOPLE[0].login, self.packed("654321"))
    }

    /// The hostile user name, with a password that is right for somebody else.
    pub fn injection(&self) -> (&'static str, String) {
        (self.hostile, self.packed(PEOPLE[0].password))
    }
}

/// Writes the connectors and scripts below `directory`, laid out as in the repository; returns the connectors' folder.
///
/// # Errors
/// A folder or a file cannot be written.
pub fn lay_out(directory: &Path) -> io::Result<PathBuf> {
    let (connectors, scripts) = (directory.join("connectors"), directory.join("scripts"));
    std::fs::create_dir_all(&connectors)?;
    std::fs::create_dir_all(&scripts)?;
    for shipped in CONNECTORS {
        std::fs::write(connectors.join(shipped.id).with_extension("yaml"), shipped.yaml)?;
    }
    for (name, text) in SCRIPTS {
        std::fs::write(scripts.join(name), text)?;
    }
    Ok(connectors)
}
