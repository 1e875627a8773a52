//! The shipped connectors, compiled into the binary so that the demo needs no files, with a login to try for each.
//!
//! Data only: nothing here loads or runs a connector.

use std::io;
use std::path::{Path, PathBuf};

use doorward_demo::people::PEOPLE;
use doorward_demo::secrets;
use doorward_demo::user::Asks;

/// A connector of `connectors/`.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// The file's name without its ending.
    pub id: &'static str,
    pub yaml: &'static str,
    /// A user name that would be an injection into a template without encoding.
    pub hostile: &'static str,
    /// The reason of the reject that this name must lead to.
    pub refused: &'static str,
    /// Whether the app packs the password with its own fields.
    pub packed: bool,
    /// What else it asks of the user.
    pub asks: Asks,
    /// When a console calls it.
    pub stage: Stage,
}

/// When a console calls a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is the login.
    Login,
    /// It is the login, and takes as attributes what the utility of this name gave.
    After(&'static str),
    /// It is the login, by the user name alone.
    Alone,
    /// It is a utility.
    Before,
}

/// An injection into the upstream's JSON.
const INTO_JSON: &str = r#"lisi","user-name":"zhangsan"#;
/// An injection into the upstream's form or query.
const INTO_FORM: &str = "lisi&username=zhangsan&uid=zhangsan#";

macro_rules! shipped {
    ($($id:literal $hostile:expr, $refused:literal $(, $key:ident: $value:expr)*;)*) => {
        pub const CONNECTORS: &[Shipped] = &[$(Shipped {
            id: $id,
            yaml: include_str!(concat!("../connectors/", $id, ".yaml")),
            hostile: $hostile,
            refused: $refused,
            $($key: $value,)*
            ..COMMON_FACTS
        },)*];
    };
}

/// A login by user name and password, and nothing else.
const COMMON_FACTS: Shipped =
    Shipped { id: "", yaml: "", hostile: "", refused: "", packed: false, asks: Asks::Nothing, stage: Stage::Login };

shipped! {
    "aes-both-ways" INTO_JSON, "invalid_credentials";
    "app-hmac" INTO_JSON, "invalid_credentials";
    "app-token" INTO_JSON, "invalid_credentials";
    "aws-sigv4" INTO_JSON, "invalid_credentials";
    "captcha-ask" INTO_FORM, "invalid_credentials", asks: Asks::Picture;
    "captcha-image" "", "", stage: Stage::Before;
    "captcha-login" INTO_FORM, "invalid_credentials", stage: Stage::After("captcha-image");
    "cas" INTO_FORM, "invalid_credentials";
    "client-credentials" INTO_JSON, "invalid_credentials";
    "cookie-only" INTO_FORM, "invalid_credentials";
    "csrf-form" INTO_FORM, "invalid_credentials";
    "dingtalk-code" INTO_FORM, "invalid_credentials", asks: Asks::Message;
    "extension-parts" INTO_JSON, "invalid_credentials";
    "extension-whole" INTO_JSON, "invalid_credentials";
    "form" INTO_FORM, "invalid_credentials";
    "foura-json-md5" INTO_JSON, "invalid_credentials";
    "foura-json-md5-filter" "{{user.userPassword}}", "invalid_credentials";
    "foura-md5-sha1" INTO_JSON, "invalid_credentials";
    "gbk" INTO_FORM, "invalid_credentials";
    "http-digest" r#"lisi", username="zhangsan"#, "invalid_credentials";
    "json-in-json" r#"","result":"SUCCESS","ticket":"1"#, "invalid_credentials";
    "json-message-conditions" r#"lisi","success":true,"x":""#, "invalid_credentials";
    "multipart" "x\r\n--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nzhangsan", "invalid_credentials";
    "ntlm" INTO_FORM, "invalid_credentials";
    "oauth1" INTO_JSON, "invalid_credentials";
    "password-grant" INTO_FORM, "invalid_credentials";
    "password-grant-form" INTO_FORM, "invalid_credentials";
    "password-renewal" INTO_JSON, "invalid_credentials", asks: Asks::NewPassword;
    "plain-text" "lisi;user=zhangsan", "invalid_input";
    "push-confirm" INTO_FORM, "invalid_credentials", asks: Asks::Button;
    "query-headers-cookies" "lisi&loginName=zhangsan#", "invalid_credentials";
    "rsa-password" INTO_JSON, "invalid_credentials";
    "salted-md5" INTO_JSON, "invalid_credentials";
    "sdk-fields" INTO_JSON, "invalid_credentials", packed: true;
    "sdk-fields-script" INTO_JSON, "invalid_credentials", packed: true;
    "signed-body" INTO_JSON, "invalid_credentials";
    "sm2-password" INTO_JSON, "invalid_credentials";
    "sms-code" INTO_JSON, "invalid_credentials", asks: Asks::Message;
    "sms-login" INTO_JSON, "invalid_credentials", asks: Asks::Message, stage: Stage::Alone;
    "soap" "x</auth:loginName><auth:loginName>zhangsan", "invalid_credentials";
    "spring-token-key" INTO_FORM, "invalid_credentials";
    "srun" INTO_FORM, "invalid_credentials";
    "text-pairs" INTO_FORM, "invalid_credentials";
    "text-script" INTO_FORM, "invalid_credentials";
    "token-jwks" INTO_JSON, "invalid_credentials";
    "token-refresh" "", "", stage: Stage::Before;
    "totp" INTO_JSON, "invalid_credentials", asks: Asks::Authenticator;
    "wechat-sign" "x</username><username>zhangsan", "invalid_credentials";
    "wecom-code" INTO_JSON, "invalid_credentials", asks: Asks::Message;
}

pub const SCRIPTS: &[(&str, &str)] = &[
    ("json-in-string.js", include_str!("../scripts/json-in-string.js")),
    ("md5-password.js", include_str!("../scripts/md5-password.js")),
    ("srun.js", include_str!("../scripts/srun.js")),
    ("sdk-password.js", include_str!("../scripts/sdk-password.js")),
];

/// The environment variables of secrets that the shipped connectors read, and what the demo server takes for them.
pub const SECRETS: &[(&str, &str)] = &[
    ("FOURA_APP_KEY", secrets::APP_KEY),
    ("OPEN_CLIENT_SECRET", secrets::OPEN_CLIENT_SECRET),
    ("WECOM_CORP_SECRET", secrets::WECOM_CORP_SECRET),
    ("DINGTALK_APP_SECRET", secrets::DINGTALK_APP_SECRET),
    ("APP_HMAC_KEY", secrets::APP_HMAC_KEY),
    ("SPRING_CLIENT_SECRET", secrets::SPRING_SECRET),
    ("SEALED_AES_KEY", secrets::SEALED_KEY),
    ("PAY_SIGN_KEY", secrets::PAY_KEY),
    ("HR_SIGN_KEY", secrets::HR_KEY),
    ("AWS_SECRET_ACCESS_KEY", secrets::AWS_SECRET),
    ("OAUTH1_CONSUMER_SECRET", secrets::OAUTH1_SECRET),
];

/// The environment variables of origins that the shipped connectors read; in the demo, one server is all of them.
pub const ORIGINS: &[&str] = &["FOURA_BASE_URL", "WECOM_BASE_URL", "DINGTALK_BASE_URL"];

/// What the environment variable `name` holds when the demo server at `base` is the upstream.
pub fn environment(base: &str, name: &str) -> Option<String> {
    if ORIGINS.contains(&name) {
        return Some(base.to_owned());
    }
    SECRETS.iter().find(|(secret, _)| *secret == name).map(|(_, value)| (*value).to_owned())
}

impl Shipped {
    /// What an app puts into the password field for this password.
    pub fn packed(&self, password: &str) -> String {
        if self.packed {
            format!("{{client_id:1,password:{}}}", serde_json::Value::from(password))
        } else {
            password.to_owned()
        }
    }

    /// User name and password of a user who may log in and is asked for whatever the connector can ask.
    pub fn right(&self) -> (&'static str, String) {
        let person = self.asks.person();
        (person.login, self.credential(person.password))
    }

    /// The password to send: none if the connector takes none.
    fn credential(&self, password: &str) -> String {
        if self.stage == Stage::Alone { String::new() } else { self.packed(password) }
    }

    /// A user name with a wrong password; for a connector without passwords, an unknown user name.
    pub fn wrong(&self) -> (&'static str, String) {
        let login = if self.stage == Stage::Alone { "nobody" } else { PEOPLE[0].login };
        (login, self.credential("654321"))
    }

    /// The hostile user name, with the right password of another user.
    pub fn injection(&self) -> (&'static str, String) {
        (self.hostile, self.credential(PEOPLE[0].password))
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
