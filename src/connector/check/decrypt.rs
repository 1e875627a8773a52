//! `response.decrypt`: the cipher, its keys, and which part of the reply it is for.

use super::{StepCheck, source, text};
use crate::connector::raw::decrypt::{CipherMode, Decrypt, DecryptIv, ReplyIv, TextAs};
use crate::connector::raw::{self, Spanned, Text};
use crate::crypto::cipher::{Algorithm, Mode, Padding};
use crate::crypto::encoding::BytesAs;
use crate::diagnostic::{Diagnostics, Span};
use crate::response::{DecryptPlan, Format, IvPlan, KeyText};
use crate::template::{Charset, Place};

/// Compiles `decrypt`; `None` after a mistake.
pub(super) fn decrypt(
    part: StepCheck<'_>,
    response: &raw::Response,
    raw: &Decrypt,
    diagnostics: &mut Diagnostics,
) -> Option<DecryptPlan> {
    let algorithm = algorithm(raw, diagnostics);
    let key = key_text(part, &raw.key, raw.key_as.as_ref(), diagnostics);
    let field = raw.field.as_ref().map(|field| self::field(field, diagnostics));
    let iv = iv(part, raw, algorithm, diagnostics);
    if let (Some(field), Some(format)) = (&raw.field, &response.format)
        && !matches!(format.value, Format::Auto | Format::Json)
    {
        let mistake = diagnostics.error_at("decrypt", &field.span, "only a JSON reply has a `field` to decrypt");
        diagnostics.add(mistake.help("leave `field` out when the whole body is encrypted; `format` is what is inside"));
    }
    let (algorithm, key, iv) = (algorithm?, key?, iv?);
    let field = match field {
        None => None,
        Some(field) => Some(field?),
    };
    lengths(algorithm, &key, &iv, raw, diagnostics)?;
    let input = raw.input.as_ref().map_or(BytesAs::Base64, |input| input.value.into());
    Some(DecryptPlan { algorithm, key, iv, input, field })
}

fn algorithm(raw: &Decrypt, diagnostics: &mut Diagnostics) -> Option<Algorithm> {
    let (cipher, CipherMode { mode, padding, .. }) = raw.cipher.parts();
    let of_mode = Mode::from(mode.value);
    if of_mode == Mode::Gcm && cipher.block() != 16 {
        let message = "gcm wants blocks of 16 bytes, which des and des3 have not";
        let mistake = diagnostics.error_at("decrypt", &mode.span, message);
        diagnostics.add(mistake.help("write ecb, cbc or ctr, or another cipher"));
        return None;
    }
    if let Some(padding) = padding.as_ref().filter(|_| matches!(of_mode, Mode::Ctr | Mode::Gcm)) {
        let message = format!("{} fills no block", of_mode.name());
        diagnostics.add(diagnostics.error_at("decrypt", &padding.span, message).help("leave `padding` out"));
    }
    let padding = padding.as_ref().map_or(Padding::Pkcs7, |padding| padding.value.into());
    Some(Algorithm { cipher, mode: of_mode, padding })
}

/// A template that holds no credential of the user: what a reply means does not depend on what was typed.
fn key_text(
    part: StepCheck<'_>,
    written: &Text,
    spelling: Option<&Spanned<TextAs>>,
    diagnostics: &mut Diagnostics,
) -> Option<KeyText> {
    let template = text::template(part.check, written, Place::Plain, part.scope, diagnostics)?;
    if let Some(variable) = template.variables().find(|variable| part.taint.may_hold_credential(variable)) {
        let message = format!("`{variable}` is the user's, and a key of replies is the service's");
        let mistake = diagnostics.error_at("decrypt", &written.span, message);
        diagnostics.add(mistake.help("take it from `secrets`, or capture it in an earlier step"));
        return None;
    }
    // Its mistakes have been noted.
    let line = template.compile(Place::Plain, Charset::UTF_8).ok()?;
    Some(KeyText { line, written: spelling.map_or(BytesAs::Utf8, |spelling| spelling.value.into()) })
}

fn field(field: &Text, diagnostics: &mut Diagnostics) -> Option<crate::document::Path> {
    let path = source::path(field, diagnostics)?;
    if path.filters() {
        let mistake = diagnostics.error_at("decrypt", &field.span, "a path with filters names no one place to decrypt");
        diagnostics.add(mistake.help("write it like data, or data.list[0]"));
        return None;
    }
    Some(path)
}

fn iv(
    part: StepCheck<'_>,
    raw: &Decrypt,
    algorithm: Option<Algorithm>,
    diagnostics: &mut Diagnostics,
) -> Option<IvPlan> {
    let wrong = |span: &Span, message: &str, help: &str, diagnostics: &mut Diagnostics| {
        diagnostics.add(diagnostics.error_at("decrypt", span, message).help(help));
    };
    let takes_none = algorithm.is_some_and(|algorithm| algorithm.iv_length() == 0);
    match &raw.iv {
        Some(_) if takes_none => {
            wrong(raw.place.key("iv"), "ecb has no iv", "leave `iv` out", diagnostics);
            None
        }
        None if algorithm.is_some() && !takes_none => {
            let help = "write iv: \"{{secret.…}}\", iv: { field: … } or iv: { in_front: true }";
            wrong(&raw.place.span, "this mode wants an `iv`", help, diagnostics);
            None
        }
        None => Some(IvPlan::None),
        Some(DecryptIv::Template(written)) => {
            key_text(part, written, raw.iv_as.as_ref(), diagnostics).map(IvPlan::Template)
        }
        Some(DecryptIv::Reply(ReplyIv::InFront(flag))) if flag.value => Some(IvPlan::InFront),
        Some(DecryptIv::Reply(ReplyIv::InFront(flag))) => {
            wrong(&flag.span, "an iv that is not in front is somewhere else", "say where, or write true", diagnostics);
            None
        }
        Some(DecryptIv::Reply(ReplyIv::Field(written))) => {
            if raw.field.is_none() {
                let help = "write the encrypted `field`, too, or iv: { in_front: true }";
                wrong(&written.span, "a body that is encrypted as a whole has no field for the iv", help, diagnostics);
            }
            let usual = raw.input.as_ref().map_or(BytesAs::Base64, |input| input.value.into());
            let spelling = raw.iv_as.as_ref().map_or(usual, |spelling| spelling.value.into());
            field(written, diagnostics).map(|path| IvPlan::Field(path, spelling))
        }
    }
}

/// What a file writes out is checked at load.
fn lengths(
    algorithm: Algorithm,
    key: &KeyText,
    iv: &IvPlan,
    raw: &Decrypt,
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let length = |text: &KeyText| {
        let literal = text.line.holes().next().is_none().then(|| text.line.literal()).flatten()?;
        Some(
            str::from_utf8(literal).ok().and_then(|literal| text.written.decode(literal).ok()).map_or(0, |it| it.len()),
        )
    };
    let right = algorithm.cipher.key_lengths().0[0];
    let key = length(key).unwrap_or(right);
    let iv = match iv {
        IvPlan::Template(iv) => length(iv).unwrap_or(algorithm.iv_length()),
        IvPlan::None | IvPlan::Field(..) | IvPlan::InFront => algorithm.iv_length(),
    };
    let checked = algorithm.check_key(key, iv);
    let Err(error) = checked else { return Some(()) };
    diagnostics.add(diagnostics.error_at("decrypt", &raw.place.span, error.to_string()).help("write a key that fits"));
    None
}
