//! The contract's rules (docs/contract.md sections 4.1 to 4.3) over plain rules and replies.

use super::plain::{Answer, Asks, Body, Cookie, FieldState, Plain, PlainRules, RuleTarget};

/// true, false, unknown
type Kleene = Option<bool>;

/// One leaf of a way.
#[derive(Clone, Copy)]
struct Part<'p> {
    leaf: &'p Plain,
    /// It must not hold.
    turned: bool,
    /// It stands below a `not`, however often.
    below: bool,
}

/// All ways in which a rule may be met.
fn ways(plain: &Plain, turned: bool, below: bool) -> Vec<Vec<Part<'_>>> {
    match (plain, turned) {
        (Plain::Not(term), _) => ways(term, !turned, true),
        (Plain::Any(terms), false) | (Plain::All(terms), true) => {
            terms.iter().flat_map(|term| ways(term, turned, below)).collect()
        }
        (Plain::All(terms), false) | (Plain::Any(terms), true) => {
            terms.iter().fold(vec![Vec::new()], |so_far, term| {
                let more = ways(term, turned, below);
                so_far
                    .iter()
                    .flat_map(|way| more.iter().map(move |next| [way.clone(), next.clone()].concat()))
                    .collect()
            })
        }
        (leaf, _) => vec![vec![Part { leaf, turned, below }]],
    }
}

fn all(truths: impl Iterator<Item = Kleene>) -> Kleene {
    let truths: Vec<Kleene> = truths.collect();
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    (!truths.contains(&None)).then_some(true)
}

fn any(truths: impl Iterator<Item = Kleene>) -> Kleene {
    all(truths.map(|truth| truth.map(|holds| !holds))).map(|none| !none)
}

/// Whether one way holds; of those that `counts`.
fn holds(plain: &Plain, answer: &Answer, denies: bool, counts: fn(&[Part<'_>]) -> bool) -> Kleene {
    let ways = ways(plain, false, false);
    any(ways.iter().filter(|way| counts(way)).map(|way| {
        all(way.iter().map(|part| {
            let truth = leaf(part.leaf, answer, denies && !part.below);
            truth.map(|truth| truth != part.turned)
        }))
    }))
}

fn names_the_status(way: &[Part<'_>]) -> bool {
    way.iter().any(|part| !part.below && matches!(part.leaf, Plain::Status(_)))
}

fn leaf(plain: &Plain, answer: &Answer, absent_is_false: bool) -> Kleene {
    let (place, asks) = match plain {
        Plain::Status(codes) => return Some(codes.contains(&answer.status)),
        Plain::Leaf(place, asks) => (*place, *asks),
        _ => unreachable!("a way has leaves only"),
    };
    let absent = match asks {
        Asks::Exists(wanted) | Asks::HasValue(wanted) => Some(!wanted),
        Asks::Equals(_) => absent_is_false.then_some(false),
    };
    let one_of = |number: u64| match asks {
        Asks::Equals(wanted) => number == wanted,
        Asks::Exists(wanted) => wanted,
        Asks::HasValue(wanted) => wanted == (number != 0),
    };
    match place {
        RuleTarget::A | RuleTarget::B => match answer.body {
            Body::Broken => None,
            Body::Page => absent,
            Body::Json { a, b } => field(if place == RuleTarget::A { a } else { b }, asks, absent),
        },
        RuleTarget::Date if !answer.date => absent,
        RuleTarget::Date => Some(match asks {
            Asks::Equals(_) => false,
            Asks::Exists(wanted) | Asks::HasValue(wanted) => wanted,
        }),
        RuleTarget::Token => answer.token.map_or(absent, |number| Some(one_of(number))),
        RuleTarget::Cookie => match answer.cookie {
            Cookie::None => absent,
            Cookie::One => Some(one_of(1)),
            // Worth nothing; against a login it may speak.
            Cookie::Empty | Cookie::Deleted if !matches!(asks, Asks::Equals(_)) => absent,
            Cookie::Empty => absent_is_false.then_some(false),
            Cookie::Deleted | Cookie::Foreign => absent_is_false.then(|| one_of(1)),
        },
    }
}

fn field(says: FieldState, asks: Asks, absent: Kleene) -> Kleene {
    let (there, worth) = match says {
        FieldState::Missing => return absent,
        FieldState::Null | FieldState::Empty => (false, false),
        FieldState::Blank | FieldState::Zero | FieldState::False | FieldState::FalseText | FieldState::List => {
            (true, false)
        }
        FieldState::One | FieldState::Object => (true, true),
    };
    match (asks, says) {
        (Asks::Exists(wanted), _) => Some(there == wanted),
        (Asks::HasValue(wanted), _) => Some(worth == wanted),
        (Asks::Equals(_), FieldState::List | FieldState::Object) => None,
        (Asks::Equals(number), FieldState::One) => Some(number == 1),
        (Asks::Equals(number), FieldState::Zero) => Some(number == 0),
        (Asks::Equals(_), _) => Some(false),
    }
}

/// Whether the factor's success is true, after all that comes before it is false.
pub(super) fn succeeds(rules: &PlainRules, answer: &Answer) -> bool {
    let ok = (200..300).contains(&answer.status);
    let is_no = |truth: Kleene| truth == Some(false);
    let grants = |rule: &Plain| holds(rule, answer, false, if ok { |_| true } else { names_the_status });
    let readable = !(rules.declared && matches!(answer.body, Body::Broken));
    let denies = |rule: &Option<Plain>| rule.as_ref().is_none_or(|rule| is_no(holds(rule, answer, true, |_| true)));
    let more = rules.more.as_ref().is_none_or(|more| is_no(grants(more)));
    denies(&rules.reject) && denies(&rules.unavailable) && more && readable && grants(&rules.success) == Some(true)
}
