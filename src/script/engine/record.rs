//! Records one chain, such as `user.fields.otp`, for its parameter.

use crate::script::reads::{Names, Reads, ScriptPosition};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    User,
    Env,
    Steps,
    Secret,
    Settings,
    Answer,
    Time,
    Random,
    Request,
    CodeUtil,
    Response,
    Result,
}

impl Root {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "user" => Self::User,
            "env" => Self::Env,
            "steps" => Self::Steps,
            "secret" => Self::Secret,
            "settings" => Self::Settings,
            "answer" => Self::Answer,
            "time" => Self::Time,
            "random" => Self::Random,
            "request" => Self::Request,
            "code_util" => Self::CodeUtil,
            "response" => Self::Response,
            "result" => Self::Result,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Name(String, ScriptPosition),
    Computed,
}

/// What happens to the value at the end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
    Both,
}

/// Methods that every object has: `env.toString` is not a name of the connector, and `user.valueOf()` is `user`.
const INHERITED: [&str; 7] =
    ["constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"];

pub(super) fn record(reads: &mut Reads, root: Root, keys: &[Key], mode: Mode) {
    match root {
        Root::User => {
            add(&mut reads.user, keys.first());
            if matches!(keys.first(), Some(Key::Name(name, _)) if name == "fields") {
                add(&mut reads.user_fields, keys.get(1));
            }
        }
        Root::Env => {
            if mode != Mode::Read || keys.is_empty() {
                add(&mut reads.env_written, keys.first());
            }
            if mode != Mode::Write || keys.len() != 1 {
                add(&mut reads.env_read, keys.first());
            }
        }
        Root::Steps => match keys.first() {
            Some(Key::Name(step, place)) if !INHERITED.contains(&step.as_str()) => {
                reads.step_places.entry(step.clone()).or_insert(*place);
                add(reads.steps.entry(step.clone()).or_default(), keys.get(1));
            }
            _ => reads.steps_all = true,
        },
        Root::CodeUtil => {
            reads.impure |= match keys.first() {
                Some(Key::Name(name, _)) => matches!(name.as_str(), "now" | "uuid" | "randomHex"),
                _ => true,
            };
            add(&mut reads.code_util, keys.first());
        }
        Root::Secret => add(&mut reads.secret, keys.first()),
        Root::Settings => add(&mut reads.settings, keys.first()),
        Root::Answer => add(&mut reads.answer, keys.first()),
        Root::Time => add(&mut reads.time, keys.first()),
        Root::Random => add(&mut reads.random, keys.first()),
        Root::Request => add(&mut reads.request, keys.first()),
        Root::Response => add(&mut reads.response, keys.first()),
        Root::Result => add(&mut reads.result, keys.first()),
    }
}

fn add(names: &mut Names, key: Option<&Key>) {
    match key {
        Some(Key::Name(name, place)) if !INHERITED.contains(&name.as_str()) => names.add(name, *place),
        _ => names.all = true,
    }
}
