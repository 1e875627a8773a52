//! `form_from`: the entries of a form that an earlier reply held, some of them set.
//!
//! Names, order and all other values are the page's; what a step sets keeps the place that its field has there. A name
//! that the form lacks is refused: the page is not the one that the file was written for.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::context::{Context, Enctype, Field, FieldKind, Form, StepValue, Variable};
use crate::percent;
use crate::template::{Charset, Hole, Line, Place, RenderError, Template};

use super::raw::FormFrom;
use super::reader::{Reader, pairs};

/// How many names an explanation lists.
const LISTED: usize = 12;

/// A compiled `form_from`.
#[derive(Debug, Clone)]
pub(super) struct FormFromPlan {
    step: String,
    css: String,
    set: Vec<(String, Vec<Template>)>,
    /// `request.charset`, when it is written; else the form's own.
    charset: Option<Charset>,
}

/// One entry as it goes out.
pub(super) struct FormEntry<'a> {
    pub(super) name: Cow<'a, str>,
    /// In the charset of the form.
    pub(super) value: Zeroizing<Vec<u8>>,
    /// A file of which none is chosen.
    pub(super) is_file: bool,
    /// Where the value comes from; none for a literal of the file.
    pub(super) variables: Vec<Variable>,
}

/// All entries, and how they are written.
pub(super) struct Entries<'a> {
    pub(super) list: Vec<FormEntry<'a>>,
    pub(super) charset: Charset,
    pub(super) enctype: Enctype,
}

impl FormFromPlan {
    pub(super) fn compile(raw: &FormFrom, charset: Option<Charset>, reader: &mut Reader<'_>) -> Self {
        let mut set: Vec<(String, Vec<Template>)> = Vec::new();
        for (name, value) in pairs(&raw.set) {
            let name = reader.literal(name, "the name of a form field");
            let template = reader.template(value);
            let mut mistakes = Vec::new();
            let checked = charset.unwrap_or(Charset::UTF_8);
            let line = Line::compile(&template, Place::FormValue, checked, &mut mistakes);
            reader.refuse_all(value, mistakes);
            reader.uses(value, &line);
            match set.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(template),
                None => set.push((name, vec![template])),
            }
        }
        Self { step: raw.step.text.clone(), css: raw.css.text.clone(), set, charset }
    }

    /// The form itself, as a variable.
    pub(super) fn variable(&self) -> Variable {
        Variable::Step { step: self.step.clone(), value: StepValue::Form(self.css.clone()) }
    }

    /// What is set.
    pub(super) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.set.iter().flat_map(|(_, values)| values).flat_map(Template::holes)
    }

    /// The entries for this login.
    pub(super) fn entries<'a>(&'a self, context: &'a Context) -> Result<Entries<'a>, RenderError> {
        let form = self.form(context)?;
        let charset = self.charset.or_else(|| Charset::parse(&form.charset)).unwrap_or(Charset::UTF_8);
        let mut list = Vec::with_capacity(form.fields.len());
        let mut left: Vec<(&str, &[Template])> = self.set.iter().map(|(name, values)| (&**name, &**values)).collect();
        for (index, field) in form.fields.iter().enumerate() {
            let Some((_, values)) = left.iter_mut().find(|(name, _)| *name == field.name) else {
                list.extend(self.own(field, charset));
                continue;
            };
            // A value for each place that the name has; the last place takes what is left.
            let is_last = form.fields[index + 1..].iter().all(|later| later.name != field.name);
            let now = if is_last { values.len() } else { values.len().min(1) };
            let (here, later) = values.split_at(now);
            *values = later;
            for template in here {
                list.push(set(field, template, context, charset)?);
            }
        }
        match left.iter().find(|(name, _)| form.fields.iter().all(|field| field.name != *name)) {
            Some((name, _)) => Err(self.lacks(form, name)),
            None => Ok(Entries { list, charset, enctype: form.enctype }),
        }
    }

    fn form<'a>(&self, context: &'a Context) -> Result<&'a Form, RenderError> {
        let facts = context.steps.get(&self.step).and_then(|facts| facts.page.forms.get(&self.css));
        match facts {
            Some(Ok(form)) => Ok(form),
            Some(Err(what)) => Err(RenderError::FromReply { what: what.clone() }),
            None => {
                let what = format!("the step {} was not sent, so there is no form {}", self.step, self.css);
                Err(RenderError::FromReply { what })
            }
        }
    }

    /// The form is there, and cannot be sent.
    pub(super) fn unfit(&self, why: &str) -> RenderError {
        RenderError::FromReply { what: format!("the form {} of step {} {why}", self.css, self.step) }
    }

    /// The page's own value, if a browser would send one.
    fn own<'a>(&self, field: &'a Field, charset: Charset) -> Option<FormEntry<'a>> {
        let value = field.value.as_deref()?;
        let value = match field.kind {
            FieldKind::Charset => charset.name().as_bytes().to_vec(),
            _ => charset.encode_as_form(&lines(value)),
        };
        let (name, variables) = (Cow::Borrowed(&*field.name), vec![self.variable()]);
        Some(FormEntry { name, value: Zeroizing::new(value), is_file: field.kind == FieldKind::File, variables })
    }

    /// The page has no field of that name. It names the fields that a person can see; a hidden name may be a token itself.
    fn lacks(&self, form: &Form, name: &str) -> RenderError {
        let mut seen: Vec<String> = Vec::new();
        for field in form.fields.iter().filter(|field| field.kind == FieldKind::Visible) {
            let plain = field.name.chars().filter(|c| !c.is_control());
            let shown = format!("\"{}\"", plain.take(40).collect::<String>());
            if !seen.contains(&shown) {
                seen.push(shown);
            }
        }
        let hidden = form.fields.iter().filter(|field| field.kind != FieldKind::Visible).count();
        let more = seen.len().saturating_sub(LISTED);
        seen.truncate(LISTED);
        if more > 0 {
            seen.push(format!("{more} more"));
        }
        let has = if seen.is_empty() { "none that a person fills in".to_owned() } else { seen.join(", ") };
        self.unfit(&format!("has no field \"{name}\"; it has {has}, and {hidden} hidden ones or buttons"))
    }
}

/// A value that the file sets, exact or not at all.
fn set<'a>(
    field: &'a Field,
    template: &Template,
    context: &Context,
    charset: Charset,
) -> Result<FormEntry<'a>, RenderError> {
    let value = template.render(Place::FormFrom, context, charset)?;
    let variables = template.variables().cloned().collect();
    Ok(FormEntry { name: Cow::Borrowed(&field.name), value, is_file: false, variables })
}

impl Entries<'_> {
    /// `application/x-www-form-urlencoded`, for a body or a query.
    pub(super) fn url_encoded(&self) -> Vec<u8> {
        // Never grown, so that no copy of it is left behind.
        let size = self.list.iter().map(|entry| 3 * (entry.name.len() * 4 + entry.value.len()) + 2).sum();
        let mut out = Vec::with_capacity(size);
        for entry in &self.list {
            if !out.is_empty() {
                out.push(b'&');
            }
            percent::encode_into(&self.charset.encode_as_form(&lines(&entry.name)), &mut out);
            out.push(b'=');
            percent::encode_into(&entry.value, &mut out);
        }
        out
    }

    /// The head and the content of each part of `multipart/form-data` (WHATWG HTML 4.10.21.8).
    pub(super) fn parts(self) -> Vec<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        let charset = self.charset;
        let part = |entry: FormEntry<'_>| {
            let mut head = b"Content-Disposition: form-data; name=\"".to_vec();
            for byte in charset.encode_as_form(&lines(&entry.name)) {
                match byte {
                    b'"' => head.extend_from_slice(b"%22"),
                    b'\r' => head.extend_from_slice(b"%0D"),
                    b'\n' => head.extend_from_slice(b"%0A"),
                    byte => head.push(byte),
                }
            }
            head.extend_from_slice(b"\"");
            if entry.is_file {
                head.extend_from_slice(b"; filename=\"\"\r\nContent-Type: application/octet-stream");
            }
            head.extend_from_slice(b"\r\n");
            (head, entry.value)
        };
        self.list.into_iter().map(part).collect()
    }
}

/// Line ends as forms are sent: CR LF, whatever the page has. What a user typed is sent as it is.
fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n"))
}

#[cfg(test)]
mod tests;
