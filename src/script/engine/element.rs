//! Elements of XML that have attributes, as scripts see them.
//!
//! Such an element is an object with `#text` and `@name`. Where a script wants a text it has one: the object's prototype, which
//! the prelude makes, gives it the methods of a string, which read `#text`.

use boa_engine::object::JsObject;
use boa_engine::{Context, JsString, JsValue, js_string};

/// The prototype of all of them in a realm.
struct Prototype(JsObject);

/// Keeps the prototype that the prelude made.
pub(super) fn keep(prototype: &JsValue, context: &mut Context) {
    if let Some(prototype) = prototype.as_object() {
        context.insert_data(Prototype(prototype.clone()));
    }
}

/// Whether members of these names make an object such an element.
pub(super) fn is_member(name: &str) -> bool {
    name == "#text" || name.starts_with('@')
}

/// Makes an element of an object whose members are all [`is_member`] and that has a `#text`.
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
