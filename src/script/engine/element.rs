//! XML elements with attributes, as scripts see them.
//!
//! Such an element is an object with `#text` and `@name`. A script may use it as a text: its prototype, made by the
//! prelude, has the methods of strings, which read `#text`.

use boa_engine::object::JsObject;
use boa_engine::{Context, JsString, JsValue, js_string};

/// The one prototype of elements in a realm.
struct Prototype(JsObject);

/// Stores the prototype that the prelude made.
pub(super) fn keep(prototype: &JsValue, context: &mut Context) {
    if let Some(prototype) = prototype.as_object() {
        context.insert_data(Prototype(prototype.clone()));
    }
}

/// Whether an element has a member of this name.
pub(super) fn is_member(name: &str) -> bool {
    name == "#text" || name.starts_with('@')
}

/// Turns an object into an element. All its members must be [`is_member`], one of them `#text`.
pub(super) fn adopt(object: &JsObject, context: &Context) {
    if let Some(Prototype(prototype)) = context.get_data::<Prototype>() {
        object.set_prototype(Some(prototype.clone()));
    }
}

/// Whether this is the prototype of elements.
pub(super) fn is_prototype(object: &JsObject, context: &Context) -> bool {
    context.get_data::<Prototype>().is_some_and(|Prototype(prototype)| JsObject::equals(prototype, object))
}

/// The text of an element; `None` for any other object. Runs nothing of the script.
pub(super) fn text_of(object: &JsObject, context: &Context) -> Option<JsString> {
    object.prototype().filter(|prototype| is_prototype(prototype, context))?;
    let borrowed = object.borrow();
    let text = borrowed.properties().get(&js_string!("#text").into())?;
    text.value().and_then(JsValue::as_string)
}
