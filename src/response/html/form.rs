//! A form of a page as a browser would submit it (WHATWG HTML 4.10.21.4, "constructing the entry list"), before
//! anything is typed or clicked.
//!
//! It leaves a place for every named control, also for those of which nothing is sent: a step may set them. Values that
//! a browser would correct by the control's type (dates, colours, ranges) are kept as the page has them.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_8};
use scraper::{ElementRef, Node};

use super::{HTML, Page};
use crate::context::{Enctype, Field, FieldKind, Form};
use crate::response::source::Css;

/// More controls than this are no login form.
const MAX_FIELDS: usize = 1024;

/// Bytes of all names and values: what ASP.NET calls a view state reaches 100 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// Why a page has no form to submit: the end of a sentence that begins with the page. It quotes nothing of the page but the
/// name of an element.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::response) enum FormError {
    #[error("has no form {css}")]
    Absent { css: String },
    #[error("has no form {css}: the element is a <{element}>")]
    Other { css: String, element: String },
    #[error("has more than one form {css}")]
    Several { css: String },
    #[error("has a form {css} with {why}")]
    TooLarge { css: String, why: TooLarge },
}

/// What a form has too much of.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::response) enum TooLarge {
    #[error("more than {MAX_FIELDS} fields")]
    Fields,
    #[error("more than {} KiB of values", MAX_BYTES / 1024)]
    Values,
}

impl Page {
    /// The one form that `css` names, in a page that came in `charset`.
    pub(in crate::response) fn form(&self, css: &Css, charset: &'static Encoding) -> Result<Form, FormError> {
        let (mut forms, mut others) = (Vec::new(), Vec::new());
        for element in css.elements(self) {
            let list = if is(&element, "form") { &mut forms } else { &mut others };
            list.push(element);
        }
        let css = css.as_str().to_owned();
        match (&forms[..], others.first()) {
            ([form], _) => self.read(*form, charset).map_err(|why| FormError::TooLarge { css, why }),
            ([], None) => Err(FormError::Absent { css }),
            ([], Some(other)) => Err(FormError::Other { css, element: element_name(other) }),
            _ => Err(FormError::Several { css }),
        }
    }

    /// The `href` of the first `<base>` that has one.
    pub(in crate::response) fn base(&self) -> Option<String> {
        let mut bases = self.elements().filter(|element| is(element, "base"));
        bases.find_map(|base| base.attr("href")).map(str::to_owned)
    }

    fn read(&self, form: ElementRef<'_>, charset: &'static Encoding) -> Result<Form, TooLarge> {
        let named = form.attr("id").filter(|id| {
            let first = self.elements().find(|element| element.attr("id") == Some(id));
            first.is_some_and(|first| first.id() == form.id())
        });
        let mut entries = Entries::default();
        for control in self.elements().filter(is_control) {
            if self.owner_is(&control, &form, named) {
                entries.add(control)?;
            }
        }
        let enctype = match form.attr("enctype").unwrap_or("").to_ascii_lowercase().as_str() {
            "multipart/form-data" => Enctype::Multipart,
            "text/plain" => Enctype::Plain,
            _ => Enctype::UrlEncoded,
        };
        Ok(Form { enctype, charset: encoding_for(form, charset).name().to_owned(), fields: entries.fields })
    }

    /// The elements of the document in the order of the page.
    fn elements(&self) -> impl Iterator<Item = ElementRef<'_>> {
        let all = self.html.tree.root().descendants().filter_map(ElementRef::wrap);
        all.filter(|element| self.holds(element))
    }

    /// Whether `form` is the owner of `control` (WHATWG HTML 4.10.17.3): the one that it names, else the one in which its
    /// tag stood, else the one around it. `named` is the id by which `form` can be named.
    fn owner_is(&self, control: &ElementRef<'_>, form: &ElementRef<'_>, named: Option<&str>) -> bool {
        if let Some(id) = control.attr("form") {
            return named == Some(id);
        }
        if let Some(owner) = self.owners.get(&control.id()) {
            return *owner == form.id();
        }
        let mut around = control.ancestors().filter_map(ElementRef::wrap);
        around.find(|element| is(element, "form")).is_some_and(|owner| owner.id() == form.id())
    }
}

/// WHATWG HTML 4.10.21.5: the first label of `accept-charset` that is one, else the page's own, else UTF-8.
fn encoding_for(form: ElementRef<'_>, page: &'static Encoding) -> &'static Encoding {
    let encoding = match form.attr("accept-charset") {
        Some(labels) => labels.split_ascii_whitespace().find_map(|label| Encoding::for_label(label.as_bytes())),
        None => Some(page),
    };
    encoding.unwrap_or(UTF_8).output_encoding()
}

fn is(element: &ElementRef<'_>, name: &str) -> bool {
    element.value().name() == name && element.value().name.ns == HTML
}

fn is_control(element: &ElementRef<'_>) -> bool {
    ["input", "select", "textarea", "button"].iter().any(|name| is(element, name))
}

/// For a sentence; a page may call its elements anything.
fn element_name(element: &ElementRef<'_>) -> String {
    element.value().name().chars().filter(char::is_ascii_alphanumeric).take(20).collect()
}

/// The entries so far.
#[derive(Default)]
struct Entries {
    fields: Vec<Field>,
    bytes: usize,
    /// Of each group of radio buttons the one that is checked: the last wins.
    checked: HashMap<String, usize>,
}

impl Entries {
    fn add(&mut self, control: ElementRef<'_>) -> Result<(), TooLarge> {
        let name = control.attr("name").unwrap_or("");
        if name.is_empty() || control.ancestors().filter_map(ElementRef::wrap).any(|around| is(&around, "datalist")) {
            return Ok(());
        }
        let alive = !is_disabled(&control);
        match control.value().name() {
            "button" => self.push(name, FieldKind::Button, None)?,
            "select" => self.select(name, control, alive)?,
            "textarea" => self.push(name, FieldKind::Visible, alive.then(|| text_of(control)))?,
            _ => self.input(name, control, alive)?,
        }
        self.direction(control, alive)
    }

    fn input(&mut self, name: &str, control: ElementRef<'_>, alive: bool) -> Result<(), TooLarge> {
        let value = || control.attr("value").unwrap_or("").to_owned();
        let line = || value().replace(['\r', '\n'], "");
        let trimmed = || line().trim_matches(|c: char| c.is_ascii_whitespace()).to_owned();
        let (kind, value) = match kind_of(&control).as_str() {
            "submit" | "image" | "reset" | "button" => (FieldKind::Button, None),
            "hidden" if name.eq_ignore_ascii_case("_charset_") => (FieldKind::Charset, Some(String::new())),
            "hidden" => (FieldKind::Hidden, Some(value())),
            "file" => (FieldKind::File, Some(String::new())),
            kind @ ("checkbox" | "radio") => {
                let checked = control.attr("checked").is_some();
                if checked
                    && kind == "radio"
                    && let Some(before) = self.checked.insert(name.to_owned(), self.fields.len())
                {
                    self.fields[before].value = None;
                }
                let value = control.attr("value").unwrap_or("on");
                (FieldKind::Visible, checked.then(|| value.to_owned()))
            }
            "email" | "url" => (FieldKind::Visible, Some(trimmed())),
            "number" => {
                (FieldKind::Visible, Some(value()).map(|text| if is_number(&text) { text } else { String::new() }))
            }
            _ => (FieldKind::Visible, Some(line())),
        };
        self.push(name, kind, value.filter(|_| alive))
    }

    /// Each chosen option is an entry; where none is, the select has its place all the same.
    fn select(&mut self, name: &str, select: ElementRef<'_>, alive: bool) -> Result<(), TooLarge> {
        let options: Vec<ElementRef<'_>> = descendants(select).filter(|element| is(element, "option")).collect();
        let multiple = select.attr("multiple").is_some();
        let size = select.attr("size").and_then(|size| size.trim().parse::<u32>().ok()).filter(|size| *size > 0);
        let chosen = |option: &&ElementRef<'_>| option.attr("selected").is_some();
        let mut chosen: Vec<&ElementRef<'_>> = if multiple {
            options.iter().filter(chosen).collect()
        } else {
            options.iter().rfind(chosen).into_iter().collect()
        };
        if chosen.is_empty() && !multiple && size.unwrap_or(1) == 1 {
            chosen.extend(options.iter().find(|option| !is_disabled_option(option)));
        }
        chosen.retain(|option| alive && !is_disabled_option(option));
        if chosen.is_empty() {
            return self.push(name, FieldKind::Visible, None);
        }
        for option in chosen {
            let value = option.attr("value").map_or_else(|| label_of(*option), str::to_owned);
            self.push(name, FieldKind::Visible, Some(value))?;
        }
        Ok(())
    }

    /// `dirname`: the direction of what was typed is an entry of its own (WHATWG HTML 4.10.18.2).
    fn direction(&mut self, control: ElementRef<'_>, alive: bool) -> Result<(), TooLarge> {
        let texts = ["hidden", "text", "search", "tel", "url", "email", "password"];
        let typed = is(&control, "textarea") || (is(&control, "input") && texts.contains(&kind_of(&control).as_str()));
        let Some(name) = control.attr("dirname").filter(|name| typed && !name.is_empty()) else { return Ok(()) };
        let mut around = std::iter::once(control).chain(control.ancestors().filter_map(ElementRef::wrap));
        let direction = around.find_map(|element| match element.attr("dir")?.to_ascii_lowercase().as_str() {
            "rtl" => Some("rtl"),
            "ltr" => Some("ltr"),
            _ => None,
        });
        self.push(name, FieldKind::Hidden, alive.then(|| direction.unwrap_or("ltr").to_owned()))
    }

    fn push(&mut self, name: &str, kind: FieldKind, value: Option<String>) -> Result<(), TooLarge> {
        self.bytes += name.len() + value.as_ref().map_or(0, String::len);
        if self.fields.len() == MAX_FIELDS {
            return Err(TooLarge::Fields);
        }
        if self.bytes > MAX_BYTES {
            return Err(TooLarge::Values);
        }
        self.fields.push(Field { name: name.to_owned(), kind, value });
        Ok(())
    }
}

/// The type of an input; an unknown one is a text.
fn kind_of(input: &ElementRef<'_>) -> String {
    input.attr("type").unwrap_or("text").to_ascii_lowercase()
}

/// WHATWG HTML 4.10.18.5: by itself, or in a disabled fieldset but for its first legend.
fn is_disabled(control: &ElementRef<'_>) -> bool {
    if control.attr("disabled").is_some() {
        return true;
    }
    let mut inside = control.id();
    for around in control.ancestors().filter_map(ElementRef::wrap) {
        if is(&around, "fieldset") && around.attr("disabled").is_some() {
            let legend = around.children().filter_map(ElementRef::wrap).find(|child| is(child, "legend"));
            if legend.is_none_or(|legend| legend.id() != inside) {
                return true;
            }
        }
        inside = around.id();
    }
    false
}

/// WHATWG HTML 4.10.10: by itself, or by its group.
fn is_disabled_option(option: &ElementRef<'_>) -> bool {
    let group = option.parent().and_then(ElementRef::wrap).filter(|parent| is(parent, "optgroup"));
    option.attr("disabled").is_some() || group.is_some_and(|group| group.attr("disabled").is_some())
}

/// What is written in a text area; its line ends are one character (its "API value").
fn text_of(area: ElementRef<'_>) -> String {
    let mut text = String::new();
    for child in area.children() {
        if let Node::Text(piece) = child.value() {
            text.push_str(piece);
        }
    }
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The text of an option, which is its value when it has no other: scripts left out, blanks as one space.
fn label_of(option: ElementRef<'_>) -> String {
    let mut text = String::new();
    for node in option.descendants() {
        let script = |node: &ego_tree::NodeRef<'_, Node>| {
            node.value().as_element().is_some_and(|element| element.name() == "script")
        };
        if let (Node::Text(piece), false) = (node.value(), node.parent().as_ref().is_some_and(script)) {
            text.push_str(piece);
        }
    }
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn descendants(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.descendants().filter_map(ElementRef::wrap)
}

/// WHATWG HTML 2.3.4.3, "valid floating-point number".
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let ends = text.ends_with(|c: char| c.is_ascii_digit());
    starts && ends && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests;
