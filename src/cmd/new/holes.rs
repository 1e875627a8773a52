//! Decides which values of a request become holes: the user name, the password, and what must not stand in a file.
//!
//! What the person says (`--username`, `--password`, a role) goes before what names and shapes suggest (`names`).

use std::borrow::Cow;

use doorward::context::{Context, User};
use doorward::document::Value;
use doorward::secret::Secret;
use doorward::template::{FILTERS, Language, Template};

use super::names::{BESIDE_SIGNATURES, SIGNATURES, bare, is_captcha, is_password, is_secret, is_token, is_username};
use super::review::{Role, Row};

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
    /// What became of each value, in the order in which they were met.
    pub rows: Vec<Row>,
    /// What somebody said of them, in the same order.
    roles: Vec<Option<Role>>,
    /// Which part of the request is being read.
    pub place: &'static str,
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
            rows: Vec::new(),
            roles: Vec::new(),
            place: "body",
        }
    }

    /// With what somebody said of the values.
    pub fn with_roles(literals: Literals, roles: Vec<Option<Role>>) -> Self {
        Self { roles, ..Self::new(literals) }
    }

    /// The template for the value that stands under `name`.
    pub fn fill(&mut self, name: &str, value: &str) -> String {
        let said = self.roles.get(self.rows.len()).cloned().flatten();
        let (template, why) = if let Some(role) = said {
            (self.as_said(&role, name, value), "chosen")
        } else {
            let template = self.guess(name, value);
            let given = [&self.literals.username, &self.literals.password].iter().any(|literal| literal.is_some());
            let why = match () {
                () if template == value => "nothing",
                () if given && template.contains("user.user") => "given",
                () if is_token(value) && !is_password(name) => "shape",
                () => "name",
            };
            (template, why)
        };
        self.rows.push(Row::new(self.place, name, value, &template, why));
        template
    }

    fn as_said(&mut self, role: &Role, name: &str, value: &str) -> String {
        match role {
            Role::Username => {
                self.username = true;
                "{{user.username}}".to_owned()
            }
            Role::Password(filters) => {
                self.password = true;
                let known = |filter: &&String| FILTERS.iter().any(|known| known.name == filter.as_str());
                let filters: Vec<&str> = filters.iter().filter(known).map(String::as_str).collect();
                password_hole(&filters)
            }
            Role::Secret => self.secret(name),
            Role::Attribute => self.attribute(name),
            Role::Time => "{{time.unix}}".to_owned(),
            Role::TimeMs => "{{time.unix_ms}}".to_owned(),
            Role::Nonce => "{{random.hex16}}".to_owned(),
            // Braces would be read as a template.
            Role::Literal if value.contains("{{") || value.contains("${") => self.secret(name),
            Role::Literal => value.to_owned(),
        }
    }

    fn guess(&mut self, name: &str, value: &str) -> String {
        // `{{PASSWORD}}` of a collection is the hole itself.
        if let Some(variable) = value.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
            if is_password(variable) && self.literals.password.is_none() {
                self.password = true;
                return password_hole(&[]);
            }
            if is_username(variable) && self.literals.username.is_none() {
                self.username = true;
                return "{{user.username}}".to_owned();
            }
        }
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
        is_captcha(name) || (self.beside.captcha && matches!(bare(name).as_str(), "code" | "uuid"))
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
mod tests;
