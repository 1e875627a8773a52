//! The part of `code_util` that is about bytes: digests, hmac, encodings, charsets.

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsUint8Array;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction};

use super::{MAX_INPUT, Native, add, define, group, mistake, text};
use crate::crypto::charset;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::{
    base64_decode, base64_encode, base64url_decode, base64url_encode, hex_decode, hex_encode, url_decode, url_encode,
};
use crate::crypto::hmac::hmac;

pub(super) fn install(object: &JsObject, context: &mut Context) -> JsResult<()> {
    for algorithm in Algorithm::ALL {
        let body = NativeFunction::from_copy_closure(move |_, args, context| {
            let name = algorithm.name();
            let data = bytes(args, 0, &format!("code_util.{name}: the first argument"), context)?;
            output(&digest(algorithm, &data), args.get_or_undefined(1), context)
        });
        add(object, algorithm.name(), 2, body, context)?;
    }
    define(object, "hmac", 4, hmac_of, context)?;
    define(object, "encode", 2, encode, context)?;
    let groups: [(&str, [(&str, Native); 2]); 4] = [
        ("base64", [("encode", base64_of), ("decode", from_base64)]),
        ("base64url", [("encode", base64url_of), ("decode", from_base64url)]),
        ("hex", [("encode", hex_of), ("decode", from_hex)]),
        ("url", [("encode", url_of), ("decode", from_url)]),
    ];
    for (name, functions) in groups {
        let functions = group(functions, context);
        object.create_data_property_or_throw(JsString::from(name), functions, context)?;
    }
    Ok(())
}

/// The bytes of an argument: a `Uint8Array` as it is, text as UTF-8.
pub(super) fn bytes(args: &[JsValue], index: usize, what: &str, context: &mut Context) -> JsResult<Vec<u8>> {
    let array = args.get_or_undefined(index).as_object().and_then(|it| JsUint8Array::from_object(it).ok());
    match array {
        Some(array) => {
            let bytes = array.to_vec(context)?;
            if bytes.len() > MAX_INPUT { Err(mistake(format!("{what} is larger than 1 MiB"))) } else { Ok(bytes) }
        }
        None => text(args, index, what, context).map(String::into_bytes),
    }
}

/// Bytes in the form that the last argument asks for; hexadecimal when it is left out.
pub(super) fn output(data: &[u8], form: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let form = match form.as_string() {
        Some(form) => form.to_std_string_lossy(),
        None if form.is_undefined() => "hex".to_owned(),
        None => String::new(),
    };
    Ok(match form.as_str() {
        "hex" => JsString::from(hex_encode(data)).into(),
        "base64" => JsString::from(base64_encode(data)).into(),
        "base64url" => JsString::from(base64url_encode(data)).into(),
        "bytes" => byte_array(data, context)?,
        _ => return Err(mistake("the output must be \"hex\", \"base64\", \"base64url\" or \"bytes\"")),
    })
}

/// Decoded bytes: text by default, which they must then be, or `"bytes"`.
pub(super) fn decoded(data: Vec<u8>, what: &str, form: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    match form.as_string().map(|it| it.to_std_string_lossy()).as_deref() {
        None if form.is_undefined() => {}
        Some("text") => {}
        Some("bytes") => return byte_array(&data, context),
        _ => return Err(mistake(format!("{what}: the output must be \"text\" or \"bytes\""))),
    }
    match String::from_utf8(data) {
        Ok(text) => Ok(JsString::from(text).into()),
        Err(_) => Err(mistake(format!("{what}: the bytes are not UTF-8 text; ask for \"bytes\""))),
    }
}

fn byte_array(data: &[u8], context: &mut Context) -> JsResult<JsValue> {
    Ok(JsUint8Array::from_iter(data.iter().copied(), context)?.into())
}

fn hmac_of(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "code_util.hmac: the algorithm", context)?;
    let algorithm = Algorithm::from_name(&name).ok_or_else(|| {
        mistake("code_util.hmac: the algorithm must be md5, sha1, sha224, sha256, sha384, sha512, sm3 or md4")
    })?;
    let key = bytes(args, 1, "code_util.hmac: the key", context)?;
    let data = bytes(args, 2, "code_util.hmac: the third argument", context)?;
    output(&hmac(algorithm, &key, &data), args.get_or_undefined(3), context)
}

fn encode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let label = text(args, 0, "code_util.encode: the charset", context)?;
    let text = text(args, 1, "code_util.encode: the second argument", context)?;
    let encoded = charset::charset(&label).and_then(|it| charset::encode(it, &text));
    byte_array(&encoded.map_err(|error| mistake(format!("code_util.encode: {error}")))?, context)
}

/// One `encode` and one `decode` function.
macro_rules! codec {
    ($name:literal, $encode:ident = $encoder:ident, $decode:ident = $decoder:ident) => {
        fn $encode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
            let data = bytes(args, 0, concat!("code_util.", $name, ".encode: the first argument"), context)?;
            Ok(JsString::from($encoder(&data)).into())
        }

        fn $decode(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
            let what = concat!("code_util.", $name, ".decode");
            let text = text(args, 0, concat!("code_util.", $name, ".decode: the first argument"), context)?;
            let data = $decoder(&text).map_err(|error| mistake(format!("{what}: {error}")))?;
            decoded(data, what, args.get_or_undefined(1), context)
        }
    };
}

codec!("base64", base64_of = base64_encode, from_base64 = base64_decode);
codec!("base64url", base64url_of = base64url_encode, from_base64url = base64url_decode);
codec!("hex", hex_of = hex_encode, from_hex = hex_decode);
codec!("url", url_of = url_encode, from_url = url_decode);
