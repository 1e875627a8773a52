//! Amounts with a unit: time spans and sizes.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::{Diagnostics, shown};
use crate::yaml::{Core, Node};

use super::read::{FromNode, wrong_kind};
use super::scalar::scalar_of;

/// A time span: `250ms`, `8s`, `5m`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(pub Duration);

impl FromNode for TimeSpan {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        let millis = scalar_of(node).and_then(|scalar| amount(&scalar.text, &UNITS));
        if millis.is_none() {
            with_unit(node, "a time span such as 250ms, 8s, 5m or 2h", "s", diagnostics);
        }
        millis.map(|millis| Self(Duration::from_millis(millis)))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,9}(ms|s|m|h)$" })
    }
}

/// A number of bytes: `512B`, `256KiB`, `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromNode for ByteSize {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)];
        let bytes = scalar_of(node).and_then(|scalar| amount(&scalar.text, &UNITS));
        if bytes.is_none() {
            with_unit(node, "a size such as 64KiB or 1MiB", "KiB", diagnostics);
        }
        bytes.map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,9}(B|KiB|MiB)$" })
    }
}

/// A share of something: a number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio(pub f64);

impl FromNode for Ratio {
    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ratio = scalar_of(node).and_then(|scalar| match scalar.core() {
            Core::Number(number) => number.as_str().parse().ok(),
            _ => None,
        });
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            wrong_kind(
                node,
                "a number from 0 to 1",
                "write 1 for all, 0.1 for one of ten, without quotes",
                diagnostics,
            );
        }
        ratio.map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A whole number and a unit, without space between; `None` for anything else.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let factor = units.iter().find(|(unit, _)| *unit == &text[digits..])?.1;
    // Nine digits of the largest unit are 100,000 years or a petabyte, and cannot overflow.
    if digits > 9 {
        return None;
    }
    text[..digits].parse::<u64>().ok().map(|count| count * factor)
}

fn with_unit(node: &Node, expected: &str, unit: &str, diagnostics: &mut Diagnostics) {
    let Some(scalar) = scalar_of(node).filter(|scalar| scalar.core() != Core::Absent) else {
        wrong_kind(node, expected, "write a whole number and its unit", diagnostics);
        return;
    };
    let text = shown(&scalar.text);
    let mistake = diagnostics.error_at("wrong-amount", &node.span, format!("`{text}` is not {expected}"));
    let mistake = if matches!(scalar.core(), Core::Number(_)) {
        mistake.label("no unit").help(format!("write the unit too: {text}{unit}"))
    } else {
        mistake.label("not an amount").help("write a whole number and its unit, no space between")
    };
    diagnostics.add(mistake);
}
