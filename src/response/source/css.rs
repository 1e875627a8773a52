//! `css` sources: the text or an attribute of the elements of a page that a selector matches.

use scraper::selector::ToCss;
use scraper::{ElementRef, Selector};

use super::SourceValue;
use crate::response::html::{Page, text_of};

/// Longest selector in bytes: it is typed by a person, and each of its parts is work for each element.
const MAX_SELECTOR: usize = 512;

/// How many elements of the same text are looked at. A message stands once or twice on a page.
const MAX_HITS: usize = 64;

/// A selector, and which attribute of its elements is wanted.
#[derive(Debug, Clone)]
pub struct Css {
    selector: Selector,
    attr: Option<String>,
    written: String,
}

/// The same when written the same.
impl PartialEq for Css {
    fn eq(&self, other: &Self) -> bool {
        (&self.written, &self.attr) == (&other.written, &other.attr)
    }
}

impl Eq for Css {}

/// Why a text is no selector that a rule may use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CssError {
    /// Not CSS, or of CSS what needs a browser (`:hover`).
    #[error("not a selector: {0}")]
    Syntax(String),
    /// Longer than a person types.
    #[error("the selector is longer than {MAX_SELECTOR} bytes")]
    TooLong,
    /// What makes the search cost the square of the page.
    #[error("`{0}` is not offered: on a hostile page it takes too long; name the element itself")]
    Costly(&'static str),
}

impl Css {
    /// Reads a selector. `attr`: the attribute, else the text is meant.
    pub fn parse(selector: &str, attr: Option<&str>) -> Result<Self, CssError> {
        if selector.len() > MAX_SELECTOR {
            return Err(CssError::TooLong);
        }
        let parsed = Selector::parse(selector).map_err(|error| CssError::Syntax(error.to_string()))?;
        // Looked for in the selector as it is printed, so that escapes hide nothing.
        if let Some(costly) = costly(&parsed.to_css_string()) {
            return Err(CssError::Costly(costly));
        }
        Ok(Self { selector: parsed, attr: attr.map(str::to_ascii_lowercase), written: selector.to_owned() })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The elements that it matches.
    pub(in crate::response) fn elements<'p>(&'p self, page: &'p Page) -> impl Iterator<Item = ElementRef<'p>> {
        page.select(&self.selector)
    }

    /// The value that all matching elements share; an element without the attribute has none.
    pub(in crate::response) fn read<'a>(&self, page: &Page) -> SourceValue<'a> {
        let mut shared: Option<Option<String>> = None;
        for (at, element) in self.elements(page).enumerate() {
            let value = match &self.attr {
                Some(attr) => element.attr(attr).map(str::to_owned),
                None => Some(text_of(element)),
            };
            match &shared {
                Some(_) if at >= MAX_HITS => return SourceValue::unknown("too many elements match"),
                Some(first) if *first != value => {
                    return SourceValue::unknown("more than one element matches, and they differ");
                }
                Some(_) => {}
                None => shared = Some(value),
            }
        }
        shared.flatten().map_or(SourceValue::Absent, SourceValue::text)
    }
}

/// What in a printed selector costs more than the page is long: `~` and `:…-of-type` look at all siblings of each
/// element, `:has` at all descendants, and a combinator inside `:is(…)` or `:not(…)` at all ancestors again for each
/// ancestor. Strings and attributes are passed over. `:nth-child` remembers its counts.
fn costly(selector: &str) -> Option<&'static str> {
    let mut chars = selector.char_indices();
    let (mut quote, mut in_attribute, mut parentheses, mut previous) = (None, false, 0_usize, ' ');
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            _ if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            '"' | '\'' => quote = Some(c),
            '[' => in_attribute = true,
            ']' => in_attribute = false,
            _ if in_attribute => {}
            '(' => parentheses += 1,
            ')' => parentheses = parentheses.saturating_sub(1),
            '~' => return Some("~"),
            ' ' if parentheses > 0 && previous != ',' => return Some(":is(a b)"),
            ':' => match pseudo_class(&selector[at + 1..]).as_str() {
                "has" => return Some(":has"),
                name if name.ends_with("-of-type") => return Some(":…-of-type"),
                _ => {}
            },
            _ => {}
        }
        previous = c;
    }
    None
}

fn pseudo_class(after_colon: &str) -> String {
    let name = after_colon.split(|c: char| c != '-' && !c.is_ascii_alphabetic()).next();
    name.unwrap_or("").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_that_are_refused() {
        for (selector, wanted) in [
            ("a ~ b", CssError::Costly("~")),
            ("a~b", CssError::Costly("~")),
            ("a:has(b)", CssError::Costly(":has")),
            (":is(a:HAS(b))", CssError::Costly(":has")),
            ("p:first-of-type", CssError::Costly(":…-of-type")),
            (":is(a b)", CssError::Costly(":is(a b)")),
            ("a:not(:is(b>c), d)", CssError::Costly(":is(a b)")),
            (":where(a+b)", CssError::Costly(":is(a b)")),
            (":NTH-of-type(2)", CssError::Costly(":…-of-type")),
            (r"a:\68 as(b)", CssError::Costly(":has")),
        ] {
            assert_eq!(Css::parse(selector, None).unwrap_err(), wanted, "{selector}");
        }
        for selector in ["", "a >", "::before", "a:hover", "["] {
            assert!(matches!(Css::parse(selector, None).unwrap_err(), CssError::Syntax(_)), "{selector}");
        }
        assert_eq!(Css::parse(&"a ".repeat(400), None).unwrap_err(), CssError::TooLong);
        for selector in [
            r#"[a~="b"]"#,
            r#"a[title="x ~ y:has(z)"]"#,
            "#login > .err:not(.ok), td:nth-child( 2n + 1 ) + td",
            ":is(a, b, [x='y z' i]) p",
        ] {
            assert!(Css::parse(selector, None).is_ok(), "{selector}");
        }
    }
}
