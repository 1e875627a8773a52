//! Validates the input of a login before anything is sent: user name, password, declared attributes, packed fields.

use super::stop::Stop;
use super::{Login, UtilityCall, draw};
use crate::account::{MAX_NAME_CHARACTERS, MAX_PACKED_BYTES};
use crate::clock::Ambient;
use crate::connector::Connector;
use crate::context::{Context, User};
use crate::document::{Object, Value};
use crate::packing::{USER_FIELD, unpack};
use crate::secret::Secret;
use crate::verdict::Reason;
use indexmap::IndexMap;

/// Validated input.
pub(super) struct Admitted {
    pub context: Context,
    /// The name that identity and guard use.
    pub claimed: String,
}

/// For all attributes of one login with their names: half of a request body.
const MAX_ATTRIBUTES_BYTES: usize = 32 * 1024;

/// The field that holds the password by custom, whatever the connector does with it.
const PASSWORD_FIELD: &str = "password";

/// Builds the context of a login, or refuses it with nothing sent.
pub(super) fn admit(connector: &Connector, login: Login, ambient: &dyn Ambient) -> Result<Admitted, Stop> {
    let refuse = |what: String| Stop::reject(Reason::InvalidInput, what);
    let input = &connector.input;
    if !input.allow_empty_password {
        // An empty password is an anonymous bind to many servers: it would succeed for anybody (RFC 4513 section
        // 5.1.2).
        let password = !input.no_password && is_empty(login.password.expose());
        for (what, empty) in [("user name", login.username.is_empty()), ("password", password)] {
            if empty {
                return Err(refuse(format!("the {what} is empty; nothing was sent")));
            }
        }
    }
    if input.no_password && !login.password.expose().is_empty() {
        return Err(refuse("this connector takes no password, and one was sent; nothing was sent on".to_owned()));
    }
    declared(connector, &login.attributes).map_err(refuse)?;
    let mut fields = IndexMap::new();
    let mut claimed = login.username.clone();
    if let Some(packing) = &input.username_fields {
        if login.username.len() > MAX_PACKED_BYTES {
            return Err(refuse(format!(
                "the packed user name has more than {MAX_PACKED_BYTES} bytes; nothing was sent"
            )));
        }
        let named = unpack(packing, &login.username).map_err(|error| refuse(format!("the user name: {error}")))?;
        let user = named.get(USER_FIELD).ok_or_else(|| refuse("the user name's fields have no `user`".to_owned()))?;
        user.expose().clone_into(&mut claimed);
        fields.extend(named);
    }
    if let Some(packing) = &input.password_fields {
        let named =
            unpack(packing, login.password.expose()).map_err(|error| refuse(format!("the password: {error}")))?;
        for (name, value) in named {
            if fields.insert(name, value).is_some() {
                return Err(refuse("user name and password both bring the same field".to_owned()));
            }
        }
    }
    whole_name(&claimed).map_err(refuse)?;
    if !input.allow_empty_password {
        empty_fields(connector, &claimed, &fields).map_err(refuse)?;
    }
    let mut attributes = login.attributes;
    attributes.retain(|_, value| *value != Value::Null);
    let user =
        User { username: login.username, password: login.password, fields, client_ip: login.client_ip, attributes };
    let context = Context {
        user,
        secrets: connector.secrets.clone(),
        request_id: login.request_id,
        login: draw::login_values(ambient),
        ..Context::default()
    };
    Ok(Admitted { context, claimed })
}

/// Builds the context of a utility call, or refuses it with nothing sent. There is no password, and a user name only
/// where the connector reads it.
pub(super) fn admit_call(connector: &Connector, call: UtilityCall, ambient: &dyn Ambient) -> Result<Admitted, Stop> {
    let refuse = |what: String| Stop::reject(Reason::InvalidInput, what);
    let username = call.username.unwrap_or_default();
    if connector.input.username && username.is_empty() {
        return Err(refuse("this utility wants a user name, and none was sent".to_owned()));
    }
    whole_name(&username).map_err(refuse)?;
    declared(connector, &call.inputs).map_err(refuse)?;
    let mut attributes = call.inputs;
    attributes.retain(|_, value| *value != Value::Null);
    let claimed = username.clone();
    let user = User { username, client_ip: call.client_ip, attributes, ..User::default() };
    let context = Context {
        user,
        secrets: connector.secrets.clone(),
        request_id: call.request_id,
        login: draw::login_values(ambient),
        ..Context::default()
    };
    Ok(Admitted { context, claimed })
}

/// Required attributes are present, and neither one nor all together are too long.
fn declared(connector: &Connector, sent: &Object) -> Result<(), String> {
    for attribute in &connector.input.attributes {
        match sent.get(&attribute.name) {
            None | Some(Value::Null) if attribute.required => {
                return Err(format!("the attribute {} is required and was not sent", attribute.name));
            }
            Some(value) if value.scalar_text().is_some_and(|text| text.chars().count() > attribute.max) => {
                return Err(format!("the attribute {} is longer than {} characters", attribute.name, attribute.max));
            }
            _ => {}
        }
    }
    let bytes: usize = sent.iter().map(|(name, value)| name.len() + value.scalar_text().map_or(0, str::len)).sum();
    if bytes > MAX_ATTRIBUTES_BYTES {
        return Err(format!("the attributes have more than {MAX_ATTRIBUTES_BYTES} bytes together; nothing was sent"));
    }
    Ok(())
}

/// Servers in C read a name up to its first NUL (Apache's form login does): they would authenticate another account
/// than the one that guard, identity and audit use.
fn whole_name(name: &str) -> Result<(), String> {
    if name.contains('\0') {
        return Err("the user name holds a NUL character; nothing was sent".to_owned());
    }
    // Guard, identity and audit trail use the whole name, so a longer one is refused and not cut.
    if name.len() > MAX_NAME_CHARACTERS && name.chars().nth(MAX_NAME_CHARACTERS).is_some() {
        return Err(format!("the user name has more than {MAX_NAME_CHARACTERS} characters; nothing was sent"));
    }
    Ok(())
}

/// Whether a password is empty, or empty to a server that reads it up to its first NUL.
pub(super) fn is_empty(password: &str) -> bool {
    password.is_empty() || password.starts_with('\0')
}

/// A packed credential may be empty although the text around it is not, and that is the same anonymous bind.
fn empty_fields(connector: &Connector, claimed: &str, fields: &IndexMap<String, Secret>) -> Result<(), String> {
    if claimed.is_empty() {
        return Err("the packed user name is empty; nothing was sent".to_owned());
    }
    for (name, value) in fields {
        let proves = name == PASSWORD_FIELD || connector.proof_fields.covers(name);
        if proves && is_empty(value.expose()) {
            return Err("a packed field that proves the user is empty; nothing was sent".to_owned());
        }
    }
    Ok(())
}
