//! Decides which values of a request become holes: the user name, the password, and what must not stand in a file.
//!
//! What the person says (`--username`, `--password`) goes before what names and shapes suggest. A value that might be a
//! secret becomes one; a literal too few can be added by hand, a literal too many would be leaked.

use std::borrow::Cow;

use doorward::context::{Context, User};
use doorward::document::Value;
use doorward::secret::Secret;
use doorward::template::{Language, Template};

/// Which parts of the command stand for the user.
#[derive(Debug, Default)]
pub struct Literals {
    /// What stands for the user name.
    pub username: Option<String>,
    /// What stands for the password, before any digest.
    pub password: Option<String>,
}

/// What was found while a request was turned into templates.
#[derive(Debug)]
pub struct Holes {
    literals: Literals,
    /// A value became the user name.
    pub username: bool,
    /// A value became the password.
    pub password: bool,
    /// Names of `secret.*`, in the order in which they were met.
    pub secrets: Vec<String>,
    /// Names of `user.*` beyond the built-in ones, in the order in which they were met.
    pub attributes: Vec<String>,
    beside: Beside,
    /// What a person should look at.
    pub notes: Vec<String>,
}

/// What fields mean because of others beside them.
#[derive(Debug, Default)]
struct Beside {
    /// `code` and `uuid`: a picture's.
    captcha: bool,
    /// A signature, and a time, a nonce or an application's id.
    signature: bool,
}

/// Ways in which servers want a password, as filters; the first that gives the value is taken.
const CHAINS: [&[&str]; 17] = [
    &[],
    &["md5"],
    &["md5", "upper"],
    &["sha1"],
    &["sha1", "upper"],
    &["sha256"],
    &["sha256", "upper"],
    &["sha512"],
    &["sm3"],
    &["sm3", "upper"],
    &["base64"],
    &["md5", "md5"],
    &["md5", "upper", "md5"],
    &["md5", "sha1"],
    &["sha1", "md5"],
    &["md5", "base64"],
    &["base64", "md5"],
];

const USER_NAMES: [&str; 16] = [
    "user",
    "username",
    "uname",
    "userid",
    "uid",
    "login",
    "loginname",
    "loginid",
    "account",
    "accountname",
    "usercode",
    "useraccount",
    "jusername",
    "loginuser",
    "useremail",
    "acct",
];
const PASSWORD_PARTS: [&str; 6] = ["password", "passwd", "pwd", "passwort", "psw", "credential"];
/// What a person reads from a picture, and the number of the picture: both come with each login.
const CAPTCHA_PARTS: [&str; 8] =
    ["captcha", "kaptcha", "verifycode", "verificationcode", "validatecode", "checkcode", "imagecode", "imgcode"];
const SIGNATURES: [&str; 5] = ["sign", "signature", "sig", "casignature", "appsign"];
/// What is signed beside the fields themselves.
const BESIDE_SIGNATURES: [&str; 5] = ["timestamp", "nonce", "appid", "appkey", "accesskey"];
const SECRET_PARTS: [&str; 13] =
    ["token", "key", "secret", "sign", "auth", "session", "ticket", "nonce", "csrf", "xsrf", "sid", "jwt", "cert"];

impl Holes {
    /// Nothing found yet.
    pub fn new(literals: Literals) -> Self {
        Self {
            literals,
            username: false,
            password: false,
            secrets: Vec::new(),
            attributes: Vec::new(),
            beside: Beside::default(),
            notes: Vec::new(),
        }
    }

    /// The template for the value that stands under `name`.
    pub fn fill(&mut self, name: &str, value: &str) -> String {
        if let Some(hole) = self.of_user(name, value) {
            return hole;
        }
        if self.is_captcha(name) {
            return self.attribute(name);
        }
        if let Some(time) = time_of(name, value) {
            self.notes.push(format!("`{name}` looked like a time and became {time}"));
            return time.to_owned();
        }
        if self.beside.signature && bare(name).contains("nonce") {
            self.notes.push(format!("`{name}` became {{{{random.hex16}}}}, new for each request"));
            return "{{random.hex16}}".to_owned();
        }
        if is_secret(name, value) { self.secret(name) } else { value.to_owned() }
    }

    /// The template for a header; where the user's name is a quoted-string of it, that stays one whatever the name.
    pub fn fill_header(&mut self, name: &str, value: &str) -> String {
        let filled = self.fill(name, value);
        match self.literals.username.as_deref().filter(|name| !name.is_empty()).map(|name| format!("\"{name}\"")) {
            Some(quoted) if filled == value && value.contains(&quoted) => {
                self.username = true;
                value.replace(&quoted, "{{user.username | quoted}}")
            }
            _ => filled,
        }
    }

    /// The hole for a value that is the user's name or password.
    pub fn of_user(&mut self, name: &str, value: &str) -> Option<String> {
        let hole = match (&self.literals.password, &self.literals.username) {
            (Some(password), _) if !value.is_empty() && chain_of(password, value).is_some() => {
                password_hole(chain_of(password, value)?)
            }
            (None, _) if is_password(name) => {
                let chain = chain_by_shape(value);
                if !chain.is_empty() {
                    let filters = chain.join(" | ");
                    self.notes
                        .push(format!("`{name}` looked like the password's {filters}; check it with a known one"));
                } else if value.len() > 100 {
                    self.notes
                        .push(format!("`{name}` looked encrypted; docs/scripts.md says how a script encrypts it"));
                }
                password_hole(chain)
            }
            (_, Some(username)) if value == username => "{{user.username}}".to_owned(),
            (_, None) if is_username(name) => "{{user.username}}".to_owned(),
            _ => return None,
        };
        if hole == "{{user.username}}" {
            self.username = true;
        } else {
            self.password = true;
        }
        Some(hole)
    }

    /// Replaces what stands for the user in a text without names. Only what the person named can be found there.
    pub fn fill_text(&mut self, text: &str) -> String {
        // Stand-ins first, so that a user called "user" is not found in the password's hole.
        let (mut text, mut found) = (text.to_owned(), None);
        if let Some(password) = &self.literals.password {
            let forms = CHAINS.iter().map(|chain| (*chain, apply(chain, password)));
            if let Some((chain, form)) =
                forms.filter(|(_, form)| !form.is_empty()).find(|(_, form)| text.contains(form))
            {
                text = text.replace(&form, "\u{1}");
                found = Some(chain);
            }
        }
        if let Some(username) = self.literals.username.as_deref().filter(|name| !name.is_empty()) {
            self.username |= text.contains(username);
            text = text.replace(username, "{{user.username}}");
        }
        if let Some(chain) = found {
            self.password = true;
            text = text.replace('\u{1}', &password_hole(chain));
        }
        text
    }

    /// Looks at all names of the request before any is filled: `code` alone may be anything, beside `uuid` it is a captcha.
    pub fn see(&mut self, names: &[String]) {
        let has = |wanted: &str| names.iter().any(|name| bare(name) == wanted);
        self.beside.captcha = has("code") && has("uuid");
        if let Some(name) = names.iter().find(|name| SIGNATURES.contains(&bare(name).trim_start_matches('x')))
            && names.iter().any(|name| BESIDE_SIGNATURES.iter().any(|part| bare(name).contains(part)))
        {
            self.beside.signature = true;
            self.notes.push(format!(
                "`{name}` looked like a signature over the others, good for that one request: take it out and let auth.sorted_sign or \
                 auth.hmac make it, by the rule of the interface's document (docs/schemes.md)"
            ));
        }
    }

    fn is_captcha(&self, name: &str) -> bool {
        let bare = bare(name);
        CAPTCHA_PARTS.iter().any(|part| bare.contains(part))
            || name.contains("验证码")
            || (self.beside.captcha && matches!(bare.as_str(), "code" | "uuid"))
    }

    /// A hole for an attribute called after `name`; the console sends it with each login.
    fn attribute(&mut self, name: &str) -> String {
        let id = identifier(name);
        if !self.attributes.contains(&id) {
            self.attributes.push(id.clone());
        }
        format!("{{{{user.{id}}}}}")
    }

    /// A hole for a secret called after `name`.
    pub fn secret(&mut self, name: &str) -> String {
        let mut id = identifier(name);
        while self.secrets.contains(&id) {
            id.push_str("_2");
        }
        self.secrets.push(id.clone());
        format!("{{{{secret.{id}}}}}")
    }
}

/// A name for a variable: lower case, and a letter first.
fn identifier(name: &str) -> String {
    let mut id: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        id.insert_str(0, "s_");
    }
    id
}

fn password_hole(chain: &[&str]) -> String {
    let filters: String = chain.iter().flat_map(|filter| [" | ", filter]).collect();
    format!("{{{{user.userPassword{filters}}}}}")
}

fn chain_of(password: &str, value: &str) -> Option<&'static [&'static str]> {
    CHAINS.into_iter().find(|chain| apply(chain, password) == value)
}

/// The chain as a template does it; empty when it cannot.
fn apply(chain: &[&str], password: &str) -> String {
    let user = User { password: Secret::new(password), ..User::default() };
    let context = Context { user, ..Context::default() };
    let template = Template::parse(&password_hole(chain), &Language::default()).ok();
    let value = template.and_then(|template| template.value(&context).ok().map(Cow::into_owned));
    match value {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    }
}

fn chain_by_shape(value: &str) -> &'static [&'static str] {
    if !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return &[];
    }
    let upper = value.bytes().any(|byte| byte.is_ascii_uppercase());
    match (value.len(), upper) {
        (32, false) => &["md5"],
        (32, true) => &["md5", "upper"],
        (40, false) => &["sha1"],
        (40, true) => &["sha1", "upper"],
        (64, false) => &["sha256"],
        (64, true) => &["sha256", "upper"],
        _ => &[],
    }
}

/// `user-name`, `j_username`, `UserName` are one name.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn is_username(name: &str) -> bool {
    USER_NAMES.contains(&bare(name).as_str()) || ["用户名", "账号", "姓名", "工号"].contains(&name)
}

fn is_password(name: &str) -> bool {
    let bare = bare(name);
    bare == "pass" || PASSWORD_PARTS.iter().any(|part| bare.contains(part)) || ["密码", "口令"].contains(&name)
}

fn is_secret(name: &str, value: &str) -> bool {
    let (bare, kind) = (bare(name), value.to_ascii_lowercase());
    // Braces would be read as a template; as the value of a secret they are data.
    let braces = value.contains("{{") || value.contains("${");
    braces
        || (!value.is_empty()
            && SECRET_PARTS.iter().any(|part| bare.contains(part))
            && kind != "true"
            && kind != "false")
        || is_token(value)
}

/// Long, without spaces, letters and digits mixed: no person writes such a value by hand.
fn is_token(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.~:".contains(&byte);
    value.len() >= 16
        && value.bytes().all(plain)
        && !value.contains("://")
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn time_of(name: &str, value: &str) -> Option<&'static str> {
    let named = ["t", "ts", "time", "timestamp", "_"].contains(&name.to_ascii_lowercase().as_str());
    let digits = value.starts_with(['1', '2']) && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.len() {
        10 if named && digits => Some("{{time.unix}}"),
        13 if named && digits => Some("{{time.unix_ms}}"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Holes, Literals};

    fn guess(name: &str, value: &str) -> String {
        Holes::new(Literals::default()).fill(name, value)
    }

    #[test]
    fn names_and_shapes_decide_without_literals() {
        for (name, value, template) in [
            ("user-name", "zhangsan", "{{user.username}}"),
            ("j_username", "zhangsan", "{{user.username}}"),
            ("UserPassword", "123456", "{{user.userPassword}}"),
            ("pwd", "e10adc3949ba59abbe56e057f20f883e", "{{user.userPassword | md5}}"),
            ("pwd", "7C4A8D09CA3762AF61E59520943DC26494F8941B", "{{user.userPassword | sha1 | upper}}"),
            ("lang", "zh", "zh"),
            ("timestamp", "1700000000000", "{{time.unix_ms}}"),
            ("X-App-Key", "k", "{{secret.x_app_key}}"),
            ("X-Odd", "a81bc81b-dead-4e5d", "{{secret.x_odd}}"),
            ("note", "{{user.x}}", "{{secret.note}}"),
            ("Accept", "application/json", "application/json"),
        ] {
            assert_eq!(guess(name, value), template, "{name}: {value}");
        }
    }

    #[test]
    fn literals_go_before_names_and_find_the_digest() {
        let literals = || Literals { username: Some("zhangsan".to_owned()), password: Some("123456".to_owned()) };
        for (name, value, template) in [
            ("a", "zhangsan", "{{user.username}}"),
            ("b", "123456", "{{user.userPassword}}"),
            ("b", "10470c3b4b1fed12c3baac014be15fac67c6e815", "{{user.userPassword | md5 | sha1}}"),
            ("b", "E10ADC3949BA59ABBE56E057F20F883E", "{{user.userPassword | md5 | upper}}"),
            ("b", "MTIzNDU2", "{{user.userPassword | base64}}"),
            ("username", "other", "other"),
        ] {
            assert_eq!(Holes::new(literals()).fill(name, value), template, "{name}: {value}");
        }
        let mut holes = Holes::new(Literals { username: Some("user".to_owned()), password: Some("pw".to_owned()) });
        assert_eq!(holes.fill_text("LOGIN user pw"), "LOGIN {{user.username}} {{user.userPassword}}");
    }

    #[test]
    fn captchas_come_with_each_login_and_are_no_secrets() {
        for (name, value, template) in [
            ("captcha", "8fk2", "{{user.captcha}}"),
            ("captchaKey", "a81bc81b-dead-4e5d", "{{user.captchakey}}"),
            ("verify_code", "8fk2", "{{user.verify_code}}"),
            ("验证码", "8fk2", "{{user.s____}}"),
            ("code", "200", "200"),
        ] {
            assert_eq!(guess(name, value), template, "{name}");
        }
        let mut holes = Holes::new(Literals::default());
        holes.see(&["username", "password", "code", "uuid"].map(str::to_owned));
        assert_eq!(holes.fill("code", "8fk2"), "{{user.code}}");
        assert_eq!(holes.fill("uuid", "a81bc81b-dead-4e5d"), "{{user.uuid}}");
        assert_eq!((holes.attributes, holes.secrets.len()), (vec!["code".to_owned(), "uuid".to_owned()], 0));
    }

    #[test]
    fn two_secrets_of_one_name_stay_apart() {
        let mut holes = Holes::new(Literals::default());
        assert_eq!(holes.fill("token", "a"), "{{secret.token}}");
        assert_eq!(holes.fill("Token", "b"), "{{secret.token_2}}");
    }
}
