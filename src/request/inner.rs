//! `inner` of a body: a text that is made before the request, which the request's holes name as `body.inner`.
//!
//! It is text in UTF-8 whatever the charset of the request is: `{{body.inner | encode("gbk") | …}}` gives other bytes.

use std::collections::BTreeSet;

use crate::context::{Context, Variable};
use crate::secret::Secret;
use crate::template::{Charset, Hole, RenderError};

use super::RequestPlan;
use super::body::BodyPlan;
use super::raw;
use super::reader::{Reader, Use};

/// A compiled `inner`.
#[derive(Debug, Clone)]
pub(super) struct InnerPlan {
    pub(super) body: BodyPlan,
    /// What it reads.
    pub(super) variables: BTreeSet<Variable>,
    /// How many of the request's uses are its own: the first ones.
    uses: usize,
}

impl InnerPlan {
    /// Compiles it before anything else of the request.
    pub(super) fn compile(raw: &raw::Request, reader: &mut Reader<'_>) -> Option<Self> {
        let inner = raw.body.as_ref()?.inner.as_ref()?;
        let body = BodyPlan::compile(&inner.as_body(), Charset::UTF_8, false, reader);
        let variables = reader.uses.iter().flat_map(|used| used.hole.variables()).cloned().collect();
        Some(Self { body, variables, uses: reader.uses.len() })
    }
}

impl RequestPlan {
    /// The value of `body.inner`; `None` without one.
    pub fn inner_body(&self, context: &Context) -> Result<Option<Secret>, RenderError> {
        let Some(inner) = &self.inner else { return Ok(None) };
        let (bytes, _) = inner.body.render(context, Charset::UTF_8)?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| RenderError::Unfit { what: "the inner body is no text".to_owned() })?;
        Ok(Some(Secret::new(text)))
    }

    /// Whether a filter of it draws random numbers.
    pub fn draws(&self) -> bool {
        self.holes().any(Hole::draws)
    }

    /// Whether the body has an `inner`.
    pub fn has_inner(&self) -> bool {
        self.inner.is_some()
    }

    /// The holes of `inner`.
    pub fn inner_uses(&self) -> &[Use] {
        &self.uses[..self.inner.as_ref().map_or(0, |inner| inner.uses)]
    }

    /// All other holes.
    pub fn outer_uses(&self) -> &[Use] {
        &self.uses[self.inner.as_ref().map_or(0, |inner| inner.uses)..]
    }

    /// What `hole` reads; with `body.inner` also what that reads.
    pub(super) fn read_by<'p>(&'p self, hole: &'p Hole) -> impl Iterator<Item = &'p Variable> {
        let names_inner = hole.variables().any(|variable| *variable == Variable::InnerBody);
        let inner = self.inner.iter().filter(move |_| names_inner).flat_map(|inner| &inner.variables);
        hole.variables().chain(inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::compile_text;
    use super::super::{CompileOptions, Prepared};
    use super::*;
    use crate::context::User;
    use crate::crypto::cipher::{Algorithm, Cipher, Mode, Padding};
    use crate::crypto::encoding::base64_decode;
    use crate::template::Language;

    const KEY: &[u8] = b"0123456789abcdef";

    fn plan(body: &Value, more: &Value) -> RequestPlan {
        let mut keys = json!({ "url": "https://h/", "body": body });
        for (name, value) in more.as_object().unwrap() {
            keys[name] = value.clone();
        }
        compile_text(&keys.to_string(), CompileOptions::new(&Language::default())).unwrap()
    }

    fn context(plan: &RequestPlan, password: &str) -> Context {
        let user = User { username: "zhang\"san".into(), password: password.into(), ..User::default() };
        let mut context = Context { user, ..Context::default() };
        context.inner_body = plan.inner_body(&context).unwrap();
        context
    }

    fn render(plan: &RequestPlan, password: &str) -> Prepared {
        plan.render(&context(plan, password), None).unwrap()
    }

    #[test]
    fn what_is_encrypted_is_the_inner_body_with_every_value_in_its_place() {
        let filter = "{{body.inner | aes(mode=ecb, key=\"0123456789abcdef\")}}";
        let inner = json!({ "json": { "u": "{{user.username}}", "p": "{{user.userPassword}}" } });
        let plan = plan(&json!({ "inner": inner, "form": { "data": filter } }), &json!({}));
        let body = render(&plan, "p\"w\\密&=").body.unwrap();
        let (_, data) = url::form_urlencoded::parse(&body).next().unwrap();
        let ecb = Algorithm { cipher: Cipher::Aes, mode: Mode::Ecb, padding: Padding::Pkcs7 };
        let plain = ecb.decrypt(KEY, b"", &base64_decode(&data).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap(), json!({ "u": "zhang\"san", "p": "p\"w\\密&=" }));
        assert_eq!(plan.method(), "POST");
    }

    #[test]
    fn it_is_text_in_utf_8_whatever_goes_around_it() {
        for (inner, wanted) in [
            (
                json!({ "form": { "u": "{{user.username}}", "p": "{{user.userPassword}}" } }),
                "u=zhang%22san&p=a%26b%E5%AF%86",
            ),
            (json!({ "xml": "<a>{{user.userPassword}}</a>" }), "<a>a&amp;b密</a>"),
            (json!({ "text": "{{user.userPassword}}" }), "a&b密"),
        ] {
            let plan =
                plan(&json!({ "inner": inner, "json": { "d": "{{body.inner}}" } }), &json!({ "charset": "gbk" }));
            let context = context(&plan, "a&b密");
            assert_eq!(context.inner_body.as_ref().unwrap().expose(), wanted);
            let plain = plan.render(&context, None).unwrap().body.unwrap();
            assert_eq!(encoding_rs::GBK.decode(&plain).0, json!({ "d": wanted }).to_string());
        }
    }

    /// What reads the inner body reads what is in it: for the role, the URL, the trace and the redactor.
    #[test]
    fn whatever_names_it_carries_what_is_in_it() {
        let inner = json!({ "json": { "p": "{{user.userPassword}}" } });
        let plan = plan(
            &json!({ "inner": inner, "json": { "d": "{{body.inner | md5}}" } }),
            &json!({ "query": { "s": "{{body.inner | sha1}}" } }),
        );
        assert_eq!(plan.variables(), [Variable::Password].into());
        assert!(plan.url_variables().contains(&Variable::Password));
        let context = context(&plan, "pass-word");
        let carried = plan.carried(&context, &|variable| *variable == Variable::Password);
        assert_eq!(carried.len(), 2);
        let shape = plan.shape(&context, None).unwrap();
        for (place, name) in [("query", "s"), ("inner", "p"), ("body", "d")] {
            let part = shape.iter().find(|part| part.place == place && part.name == name).unwrap();
            assert!(part.variables.contains(&Variable::Password), "{place}");
        }
    }
}
