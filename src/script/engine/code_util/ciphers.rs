//! The part of `code_util` that encrypts and makes keys. Options come as an object; every text of it may be a key.

use boa_engine::object::JsObject;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction, js_string};
use zeroize::Zeroizing;

use super::bytes::{bytes, output};
use super::{add, define, group, mistake, text};
use crate::crypto::cipher::{Algorithm, Cipher, Mode, Padding};
use crate::crypto::digest;
use crate::crypto::encoding::BytesAs;
use crate::crypto::random::Random;
use crate::crypto::{kdf, rsa, sm2, totp as otp};

pub(super) fn install(object: &JsObject, context: &mut Context) -> JsResult<()> {
    for cipher in Cipher::ALL {
        let functions = JsObject::with_object_proto(context.intrinsics());
        let encrypt = NativeFunction::from_copy_closure(move |_, args, context| encrypt(cipher, args, context));
        let decrypt = NativeFunction::from_copy_closure(move |_, args, context| decrypt(cipher, args, context));
        add(&functions, "encrypt", 2, encrypt, context)?;
        add(&functions, "decrypt", 2, decrypt, context)?;
        object.create_data_property_or_throw(JsString::from(cipher.name()), functions, context)?;
    }
    define(object, "pbkdf2", 2, pbkdf2, context)?;
    define(object, "hkdf", 2, hkdf, context)?;
    define(object, "totp", 2, totp, context)?;
    let functions = group([("encrypt", rsa_encrypt)], context);
    object.create_data_property_or_throw(js_string!("rsa"), functions, context)?;
    let functions = group([("encrypt", sm2_encrypt)], context);
    object.create_data_property_or_throw(js_string!("sm2"), functions, context)?;
    Ok(())
}

/// The second argument: an object with known keys and no others.
pub(super) struct Options<'a> {
    object: JsObject,
    what: &'a str,
}

impl<'a> Options<'a> {
    pub(super) fn read(args: &[JsValue], what: &'a str, known: &[&str], context: &mut Context) -> JsResult<Self> {
        let object = args.get_or_undefined(1).as_object();
        let object = object.ok_or_else(|| mistake(format!("{what}: the second argument must be an object")))?;
        for key in object.own_property_keys(context)? {
            let name = JsValue::from(key).to_string(context)?.to_std_string_lossy();
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                // A name is the author's.
                return Err(mistake(format!("{what}: there is no option of that name; there are {known}")));
            }
        }
        Ok(Self { object, what })
    }

    pub(super) fn get(&self, name: &str, context: &mut Context) -> JsResult<Option<JsValue>> {
        let value = self.object.get(JsString::from(name), context)?;
        Ok((!value.is_undefined()).then_some(value))
    }

    /// An option that is one of some words.
    pub(super) fn word<T>(
        &self,
        name: &str,
        words: &str,
        read: fn(&str) -> Option<T>,
        context: &mut Context,
    ) -> JsResult<Option<T>> {
        let Some(value) = self.get(name, context)? else { return Ok(None) };
        let word = value.as_string().map(|word| word.to_std_string_lossy());
        let read = word.as_deref().and_then(read);
        read.map(Some).ok_or_else(|| mistake(format!("{}: {name} must be {words}", self.what)))
    }

    /// Bytes: a `Uint8Array`, or a text as `<name>As` says, its UTF-8 when that is left out.
    pub(super) fn bytes(&self, name: &str, context: &mut Context) -> JsResult<Option<Zeroizing<Vec<u8>>>> {
        let Some(value) = self.get(name, context)? else { return Ok(None) };
        let what = format!("{}: {name}", self.what);
        let given = Zeroizing::new(bytes(&[value], 0, &what, context)?);
        let written = self.word(&format!("{name}As"), "\"utf-8\", \"hex\" or \"base64\"", BytesAs::parse, context)?;
        match written {
            None | Some(BytesAs::Utf8) => Ok(Some(given)),
            Some(written) => {
                let text = str::from_utf8(&given).map_err(|_| mistake(format!("{what} is no text")))?;
                let decoded = written.decode(text).map_err(|error| mistake(format!("{what} is {error}")))?;
                Ok(Some(Zeroizing::new(decoded)))
            }
        }
    }

    fn number(&self, name: &str, context: &mut Context) -> JsResult<u32> {
        let number = self.get(name, context)?.and_then(|value| value.as_number());
        let whole = number.filter(|it| (0.0..=f64::from(u32::MAX)).contains(it) && it.fract() == 0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number of 32 bits")]
        whole.map(|it| it as u32).ok_or_else(|| mistake(format!("{}: {name} must be a whole number", self.what)))
    }

    fn number_or(&self, name: &str, otherwise: u32, context: &mut Context) -> JsResult<u32> {
        if self.get(name, context)?.is_some() { self.number(name, context) } else { Ok(otherwise) }
    }

    pub(super) fn flag(&self, name: &str, otherwise: bool, context: &mut Context) -> JsResult<bool> {
        let Some(value) = self.get(name, context)? else { return Ok(otherwise) };
        value.as_boolean().ok_or_else(|| mistake(format!("{}: {name} must be true or false", self.what)))
    }

    pub(super) fn output(&self, data: &[u8], context: &mut Context) -> JsResult<JsValue> {
        let form = self.get("output", context)?.unwrap_or_else(|| js_string!("base64").into());
        output(data, &form, context)
    }

    pub(super) fn missing(&self, name: &str) -> boa_engine::JsError {
        mistake(format!("{}: {name} is missing", self.what))
    }
}

fn algorithm(cipher: Cipher, options: &Options<'_>, context: &mut Context) -> JsResult<Algorithm> {
    let mode = options.word("mode", "\"ecb\", \"cbc\", \"ctr\" or \"gcm\"", Mode::parse, context)?;
    let mode = mode.ok_or_else(|| options.missing("mode"))?;
    let padding = options.word("padding", "\"pkcs7\", \"zero\" or \"none\"", Padding::parse, context)?;
    Ok(Algorithm { cipher, mode, padding: padding.unwrap_or(Padding::Pkcs7) })
}

fn encrypt(cipher: Cipher, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = format!("code_util.{}.encrypt", cipher.name());
    let data = bytes(args, 0, &format!("{what}: the first argument"), context)?;
    let known = ["mode", "key", "iv", "padding", "keyAs", "ivAs", "output"];
    let options = Options::read(args, &what, &known, context)?;
    let algorithm = algorithm(cipher, &options, context)?;
    let key = options.bytes("key", context)?.ok_or_else(|| options.missing("key"))?;
    let iv = options.bytes("iv", context)?.unwrap_or_default();
    let text = algorithm.encrypt(&key, &iv, &data).map_err(|error| mistake(format!("{what}: {error}")))?;
    options.output(&text, context)
}

fn decrypt(cipher: Cipher, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = format!("code_util.{}.decrypt", cipher.name());
    let given = bytes(args, 0, &format!("{what}: the first argument"), context)?;
    let known = ["mode", "key", "iv", "padding", "keyAs", "ivAs", "input", "output"];
    let options = Options::read(args, &what, &known, context)?;
    let algorithm = algorithm(cipher, &options, context)?;
    let key = options.bytes("key", context)?.ok_or_else(|| options.missing("key"))?;
    let iv = options.bytes("iv", context)?.unwrap_or_default();
    let input = options.word("input", "\"base64\", \"hex\" or \"bytes\"", input_of, context)?;
    let no_text = || mistake(format!("{what}: the first argument is no ciphertext in that spelling"));
    let cipher_text = match input.unwrap_or(Some(BytesAs::Base64)) {
        None => given,
        Some(written) => {
            let text = str::from_utf8(&given).map_err(|_| no_text())?;
            written.decode(text.trim()).map_err(|_| no_text())?
        }
    };
    let plain = algorithm.decrypt(&key, &iv, &cipher_text).map_err(|error| mistake(format!("{what}: {error}")))?;
    let form = options.get("output", context)?.unwrap_or_default();
    super::bytes::decoded(plain, &what, &form, context)
}

/// How a ciphertext is written; `None` are bytes as they are.
#[expect(clippy::option_option, reason = "the outer one is whether the word is known")]
fn input_of(word: &str) -> Option<Option<BytesAs>> {
    match word {
        "bytes" => Some(None),
        "hex" | "base64" => Some(BytesAs::parse(word)),
        _ => None,
    }
}

fn digest_of(options: &Options<'_>, context: &mut Context) -> JsResult<digest::Algorithm> {
    let words = "a digest such as \"sha256\"";
    let algorithm = options.word("algorithm", words, digest::Algorithm::from_name, context)?;
    algorithm.ok_or_else(|| options.missing("algorithm"))
}

fn pbkdf2(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.pbkdf2";
    let password = Zeroizing::new(bytes(args, 0, "code_util.pbkdf2: the password", context)?);
    let known = ["algorithm", "salt", "saltAs", "rounds", "length", "output"];
    let options = Options::read(args, what, &known, context)?;
    let algorithm = digest_of(&options, context)?;
    let salt = options.bytes("salt", context)?.ok_or_else(|| options.missing("salt"))?;
    let (rounds, length) = (options.number("rounds", context)?, options.number("length", context)?);
    let key = kdf::pbkdf2(algorithm, &password, &salt, rounds, length as usize);
    options.output(&key.map_err(|error| mistake(format!("{what}: {error}")))?, context)
}

fn hkdf(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.hkdf";
    let key = Zeroizing::new(bytes(args, 0, "code_util.hkdf: the key", context)?);
    let known = ["algorithm", "salt", "saltAs", "info", "infoAs", "length", "output"];
    let options = Options::read(args, what, &known, context)?;
    let algorithm = digest_of(&options, context)?;
    let salt = options.bytes("salt", context)?.unwrap_or_default();
    let info = options.bytes("info", context)?.unwrap_or_default();
    let length = options.number("length", context)?;
    let made = kdf::hkdf(algorithm, &key, &salt, &info, length as usize);
    options.output(&made.map_err(|error| mistake(format!("{what}: {error}")))?, context)
}

/// The time is that of the call, as `now()` tells it.
fn totp(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.totp";
    let failed = |error: otp::TotpError| mistake(format!("{what}: {error}"));
    let given = Zeroizing::new(bytes(args, 0, "code_util.totp: the secret", context)?);
    let options = Options::read(args, what, &["secretAs", "algorithm", "digits", "period", "time"], context)?;
    let words = "a digest such as \"sha1\"";
    let algorithm = options.word("algorithm", words, digest::Algorithm::from_name, context)?;
    let (digits, period) = (options.number_or("digits", 6, context)?, options.number_or("period", 30, context)?);
    let totp = otp::Totp::new(algorithm.unwrap_or(digest::Algorithm::Sha1), digits, period).map_err(failed)?;
    let words = "\"base32\", \"utf-8\", \"hex\" or \"base64\"";
    let written = options.word("secretAs", words, secret_of, context)?;
    let is_text = args.get_or_undefined(0).as_object().is_none();
    let no_text = || mistake(format!("{what}: the secret is no text in that spelling"));
    let secret = match written {
        None if !is_text => given,
        None | Some(None) => otp::secret_of_base32(str::from_utf8(&given).map_err(|_| no_text())?).map_err(failed)?,
        Some(Some(written)) => {
            let decoded = written.decode(str::from_utf8(&given).map_err(|_| no_text())?);
            Zeroizing::new(decoded.map_err(|_| no_text())?)
        }
    };
    let unix = match options.get("time", context)? {
        Some(_) => options.number("time", context)?.into(),
        None => u64::try_from(context.clock().system_time_millis() / 1000).unwrap_or_default(),
    };
    let code = totp.code(&secret, unix).map_err(failed)?;
    Ok(JsString::from(code).into())
}

/// How a secret is written; `None` is base32.
#[expect(clippy::option_option, reason = "the outer one is whether the word is known")]
fn secret_of(word: &str) -> Option<Option<BytesAs>> {
    if word == "base32" { Some(None) } else { BytesAs::parse(word).map(Some) }
}

fn rsa_encrypt(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.rsa.encrypt";
    let failed = |error: rsa::RsaError| mistake(format!("{what}: {error}"));
    let data = bytes(args, 0, "code_util.rsa.encrypt: the first argument", context)?;
    let known = ["key", "modulus", "modulusAs", "exponent", "exponentAs", "padding", "blocks", "output"];
    let options = Options::read(args, what, &known, context)?;
    let key = if let Some(key) = options.get("key", context)? {
        rsa::PublicKey::from_pem(&text(&[key], 0, "code_util.rsa.encrypt: key", context)?)
    } else {
        let modulus = options.bytes("modulus", context)?.ok_or_else(|| options.missing("key, or modulus,"))?;
        let exponent = options.bytes("exponent", context)?.ok_or_else(|| options.missing("exponent"))?;
        rsa::PublicKey::from_numbers(&modulus, &exponent)
    };
    let words = "\"pkcs1\", \"oaep\" or \"oaep_sha256\"";
    let padding = options.word("padding", words, rsa::Padding::parse, context)?.unwrap_or(rsa::Padding::Pkcs1);
    let blocks = options.flag("blocks", false, context)?;
    let encrypted = with_random(|random| {
        let key = key.map_err(failed)?;
        let made =
            if blocks { key.encrypt_blocks(padding, &data, random) } else { key.encrypt(padding, &data, random) };
        made.map_err(failed)
    })?;
    options.output(&encrypted, context)
}

fn sm2_encrypt(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = "code_util.sm2.encrypt";
    let data = bytes(args, 0, "code_util.sm2.encrypt: the first argument", context)?;
    let options = Options::read(args, what, &["key", "keyAs", "layout", "prefix", "output"], context)?;
    let key = options.get("key", context)?.ok_or_else(|| options.missing("key"))?;
    let written = options.word("keyAs", "\"hex\" or \"base64\"", BytesAs::parse, context)?.unwrap_or(BytesAs::Hex);
    let key = text(&[key], 0, "code_util.sm2.encrypt: key", context)?;
    let key = written.decode(key.trim()).map_err(|error| mistake(format!("{what}: key is {error}")))?;
    let words = "\"C1C3C2\", \"C1C2C3\" or \"asn1\"";
    let layout = options.word("layout", words, sm2::Layout::parse, context)?.unwrap_or(sm2::Layout::C1C3C2);
    let prefix = options.flag("prefix", true, context)?;
    let encrypted = with_random(|random| {
        let made = sm2::encrypt(&key, layout, prefix, &data, random);
        made.map_err(|error| mistake(format!("{what}: {error}")))
    })?;
    options.output(&encrypted, context)
}

/// Runs with the kernel's random numbers; without them nothing that was encrypted leaves.
fn with_random<T>(run: impl FnOnce(&mut Random<'_>) -> JsResult<T>) -> JsResult<T> {
    let mut failed = false;
    let mut fill = |bytes: &mut [u8]| failed |= getrandom::fill(bytes).is_err();
    let made = run(&mut Random(&mut fill));
    if failed { Err(mistake("code_util: no random numbers")) } else { made }
}
