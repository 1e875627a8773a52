//! The part of `code_util` that signs, and that verifies tokens.

use boa_engine::object::JsObject;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction, js_string};

use super::super::json_out::{self, Caps};
use super::bytes::bytes;
use super::ciphers::Options;
use super::parsers::to_js;
use super::{add, group, mistake, text};
use crate::crypto::jws::{Algorithm, SigningKey, VerifyingKey};
use crate::crypto::{jwt, sm2};
use crate::document::{Object, Value, from_json};

/// Of the claims of a token. Larger ones are no tokens of a login.
const CLAIMS: Caps = Caps { depth: 16, bytes: 32 << 10 };

pub(super) fn install(object: &JsObject, context: &mut Context) -> JsResult<()> {
    for (name, body) in [("rsa", rsa_sign as super::Native), ("sm2", sm2_sign)] {
        let functions = object.get(JsString::from(name), context)?;
        if let Some(functions) = functions.as_object() {
            add(&functions, "sign", 2, NativeFunction::from_fn_ptr(body), context)?;
        }
    }
    let functions =
        group([("sign", jwt_sign as super::Native), ("verify", jwt_verify), ("decode", jwt_decode)], context);
    object.create_data_property_or_throw(js_string!("jwt"), functions, context)?;
    Ok(())
}

fn key_text(options: &Options<'_>, what: &str, context: &mut Context) -> JsResult<String> {
    let key = options.get("key", context)?.ok_or_else(|| options.missing("key"))?;
    text(&[key], 0, &format!("{what}: key"), context)
}

fn rsa_sign(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.rsa.sign";
    let data = bytes(args, 0, "code_util.rsa.sign: the first argument", context)?;
    let options = Options::read(args, what, &["key", "padding", "output"], context)?;
    let padding = |word: &str| match word {
        "pkcs1" => Some(Algorithm::Rs256),
        "pss" => Some(Algorithm::Ps256),
        _ => None,
    };
    let algorithm = options.word("padding", "\"pkcs1\" or \"pss\"", padding, context)?.unwrap_or(Algorithm::Rs256);
    let key = key_text(&options, what, context)?;
    let key = SigningKey::read(algorithm, &key).map_err(|_| {
        mistake(format!("{what}: key is no RSA private key of 2048 to 8192 bits, as a PEM that is not encrypted"))
    })?;
    let signature = key.sign(algorithm, &data).ok_or_else(|| mistake(format!("{what}: the key cannot sign")))?;
    options.output(&signature, context)
}

fn sm2_sign(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.sm2.sign";
    let data = bytes(args, 0, "code_util.sm2.sign: the first argument", context)?;
    let options = Options::read(args, what, &["key", "id", "form", "output"], context)?;
    let form = options.word("form", "\"asn1\" or \"plain\"", sm2::SignatureForm::parse, context)?;
    let id = match options.get("id", context)? {
        Some(id) => text(&[id], 0, "code_util.sm2.sign: id", context)?,
        None => sm2::USUAL_ID.to_owned(),
    };
    let key = key_text(&options, what, context)?;
    let key = sm2::SigningKey::read(&key, &id).ok_or_else(|| {
        mistake(format!("{what}: key is no SM2 private key: a PEM that is not encrypted, or 64 hex digits"))
    })?;
    let signature = key.sign(form.unwrap_or(sm2::SignatureForm::Asn1), &data);
    options.output(&signature.ok_or_else(|| mistake(format!("{what}: the key cannot sign")))?, context)
}

/// The algorithm of a token, and the name that its header has for it.
fn algorithm(options: &Options<'_>, context: &mut Context) -> JsResult<(Algorithm, String)> {
    let words = "\"RS256\", \"PS256\", \"ES256\", \"EdDSA\", \"HS256\" or \"SM2\"";
    let read = |word: &str| Algorithm::parse(word).or((word == "SM2").then_some(Algorithm::Sm2));
    let algorithm = options.word("algorithm", words, read, context)?.ok_or_else(|| options.missing("algorithm"))?;
    let alg = match options.get("alg", context)? {
        Some(alg) if algorithm == Algorithm::Sm2 => text(&[alg], 0, "code_util.jwt: alg", context)?,
        Some(_) => return Err(mistake("code_util.jwt: alg is for SM2 only, which has no registered name")),
        None => algorithm.name().to_owned(),
    };
    Ok((algorithm, alg))
}

fn object_of(value: &JsValue, what: &str, context: &mut Context) -> JsResult<Value> {
    // Names in the message are data: none is shown.
    let json = json_out::write(value, "value", "", CLAIMS, context);
    let read = json.ok().and_then(|json| from_json(json.as_bytes()).ok());
    read.filter(|value| matches!(value, Value::Object(_)))
        .ok_or_else(|| mistake(format!("{what} must be an object of JSON, of 32 KiB at most")))
}

fn jwt_sign(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.jwt.sign";
    let claims = object_of(args.get_or_undefined(0), "code_util.jwt.sign: the claims", context)?;
    let options = Options::read(args, what, &["algorithm", "alg", "key", "header"], context)?;
    let (algorithm, alg) = algorithm(&options, context)?;
    let header = match options.get("header", context)? {
        None => Object::new(),
        Some(header) => match object_of(&header, "code_util.jwt.sign: header", context)? {
            Value::Object(header) => header,
            _ => Object::new(),
        },
    };
    let key = key_text(&options, what, context)?;
    let key = SigningKey::read(algorithm, &key).map_err(|error| mistake(format!("{what}: {error}")))?;
    let token = jwt::sign(algorithm, &alg, &key, &header, &claims);
    Ok(JsString::from(token.map_err(|error| mistake(format!("{what}: {error}")))?).into())
}

/// The claims of a token whose signature is right. Times and names are for the script to judge.
fn jwt_verify(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.jwt.verify";
    let written = text(args, 0, "code_util.jwt.verify: the token", context)?;
    let options = Options::read(args, what, &["algorithm", "alg", "key"], context)?;
    let (algorithm, alg) = algorithm(&options, context)?;
    let key = key_text(&options, what, context)?;
    let key = VerifyingKey::read(algorithm, &key).map_err(|error| mistake(format!("{what}: {error}")))?;
    let token = jwt::Token::parse(&written).map_err(|error| mistake(format!("{what}: {error}")))?;
    if token.alg != alg {
        return Err(mistake(format!("{what}: the token was signed by another algorithm")));
    }
    if !token.is_signed_by(algorithm, &key) {
        return Err(mistake(format!("{what}: the signature is not right")));
    }
    Ok(to_js(&token.claims, context))
}

/// Header and claims of a token that nobody verified.
fn jwt_decode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let written = text(args, 0, "code_util.jwt.decode: the token", context)?;
    let token = jwt::Token::parse(&written).map_err(|error| mistake(format!("code_util.jwt.decode: {error}")))?;
    let both = [("header".to_owned(), Value::Object(token.header)), ("claims".to_owned(), token.claims)];
    Ok(to_js(&both.into_iter().collect(), context))
}
