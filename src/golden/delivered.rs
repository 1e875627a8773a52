//! Compares the cookies that a case expects with those that are delivered.

use super::difference::Difference;
use crate::connector::raw::golden::{Expect, ExpectedCookie};
use crate::flow::Report;
use crate::verdict::{DeliveredCookie, Delivery, Verdict};

/// All of them in any order, when the case names any. Each expectation takes one; the most precise choose first.
pub(super) fn delivered(expect: &Expect, report: &Report, found: &mut Vec<Difference>) {
    let Some(expected) = &expect.cookies else { return };
    let nothing = Delivery::default();
    let delivery = match &report.verdict {
        Verdict::Accept(accept) => &accept.delivery,
        _ => &nothing,
    };
    let mut left: Vec<&DeliveredCookie> = delivery.cookies.iter().collect();
    let mut expected: Vec<&ExpectedCookie> = expected.iter().collect();
    expected.sort_by_key(|cookie| u8::from(cookie.value.is_none()) + u8::from(cookie.domain.is_none()));
    for wanted in expected {
        match left.iter().position(|cookie| is_same(wanted, cookie)) {
            Some(at) => drop(left.remove(at)),
            None => found.push(missing(wanted, &left, delivery)),
        }
    }
    for cookie in left {
        let what = format!("the cookie {} is delivered for {} as well", cookie.name, cookie.domain);
        found.push(Difference::new(expect.place.key("cookies"), what));
    }
}

fn is_same(wanted: &ExpectedCookie, cookie: &DeliveredCookie) -> bool {
    let domain = |text: &str| text.strip_prefix('.').unwrap_or(text).eq_ignore_ascii_case(&cookie.domain);
    wanted.name.text == cookie.name
        // A case's own samples.
        && wanted.value.as_ref().is_none_or(|value| value.text == cookie.value.expose())
        && wanted.domain.as_ref().is_none_or(|text| domain(&text.text))
}

fn missing(wanted: &ExpectedCookie, left: &[&DeliveredCookie], delivery: &Delivery) -> Difference {
    let name = &wanted.name.text;
    let difference = Difference::new(&wanted.place.span, format!("the cookie {name} is not delivered as expected"));
    let near = left.iter().find(|cookie| cookie.name == *name);
    let difference = match near {
        Some(near) => difference.label(format!("it is \"{}\" for {}", near.value.expose(), near.domain)),
        None => difference.label("there is none of this name"),
    };
    let withheld = delivery.withheld.iter().map(|cookie| format!("{}: {}", cookie.name, cookie.why));
    withheld.fold(difference, Difference::help)
}
