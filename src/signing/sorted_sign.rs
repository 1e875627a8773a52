//! A signature over the sorted fields: `a=1&b=2&key=KEY`, as WeChat Pay, Alipay, Taobao and many an API after them do.
//!
//! The fields are those of the query and the body, read from the bytes that will be sent.

use zeroize::Zeroizing;

use super::fields::{self, Field};
use super::rsa_key::RsaKey;
use super::signature_algorithm::{Output, SignatureAlgorithm};
use super::target::{Target, TargetPlan};
use super::{Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts};
use crate::crypto::digest::Algorithm;
use crate::crypto::sm2::SignatureForm;
use crate::reading::record::{record, words};
use crate::reading::{Dict, Spanned, Text};
use crate::request::{BodyKind, Prepared};
use crate::template::{Charset, Place, RenderError, Template};

record! {
    /// A signature over the sorted parameters, as WeChat Pay does.
    pub struct SortedSign as "sorted_sign" {
        /// A hash (md5, sha1, sha256, sha512, sm3), an HMAC (hmac_sha256 and its sisters) rsa_sha256 (Alipay's RSA2) or sm2_sm3.
        algorithm: Spanned<SortedAlgorithm>,
        /// The key; with rsa_sha256 and sm2_sm3 a private key as PEM.
        key: Text,
        /// Where the key stands in the signed text; `pair` when left out, `none` with a private key.
        key_place: Option<Spanned<KeyPlace>>,
        /// The name under which the key stands; `key` when left out.
        key_name: Option<Text>,
        /// What stands between two parameters; `&` when left out.
        separator: Option<Text>,
        /// What stands between name and value; `=` when left out.
        assign: Option<Text>,
        /// How the signature is written; hex when left out, base64 with a private key.
        output: Option<Spanned<SortedOutput>>,
        /// `upper` or `lower` letters of the hexadecimal signature; upper when left out.
        case: Option<Spanned<Case>>,
        /// Whether parameters with empty values are left out; true when left out.
        skip_empty: Option<Spanned<bool>>,
        /// Names that are sent and not signed.
        except: Option<Vec<Text>>,
        /// Names and values that are signed beside the request's parameters: what goes into headers.
        also: Dict<Text>,
        /// Where the signature goes.
        into: Target,
    }
}

words! {
    /// What makes the signature.
    pub enum SortedAlgorithm as "an algorithm" {
        /// RFC 1321
        Md5 = "md5",
        /// FIPS 180-4
        Sha1 = "sha1",
        /// FIPS 180-4
        Sha256 = "sha256",
        /// FIPS 180-4
        Sha512 = "sha512",
        /// GB/T 32905-2016
        Sm3 = "sm3",
        /// RFC 2104 with MD5
        HmacMd5 = "hmac_md5",
        /// RFC 2104 with SHA-1
        HmacSha1 = "hmac_sha1",
        /// RFC 2104 with SHA-256
        HmacSha256 = "hmac_sha256",
        /// RFC 2104 with SHA-512
        HmacSha512 = "hmac_sha512",
        /// RFC 2104 with SM3
        HmacSm3 = "hmac_sm3",
        /// RSASSA-PKCS1-v1_5 with SHA-256
        RsaSha256 = "rsa_sha256",
        /// SM2 with SM3 (GB/T 32918.2), in DER
        Sm2Sm3 = "sm2_sm3",
        /// SM2 with SM3, r and s alone
        Sm2Sm3Plain = "sm2_sm3_plain",
    }
}

words! {
    /// Where the key stands in the signed text.
    pub enum KeyPlace as "a place of the key" {
        /// As a last pair, `&key=KEY`.
        Pair = "pair",
        /// Right behind the last value.
        End = "end",
        /// Before the first name and behind the last value.
        Around = "around",
        /// Nowhere: it is the key of the HMAC or of RSA and no more.
        None = "none",
    }
}

words! {
    /// How the signature is written.
    pub enum SortedOutput as "an output" {
        /// Hexadecimal, in the letters of `case`.
        Hex = "hex",
        /// RFC 4648 section 4.
        Base64 = "base64",
    }
}

words! {
    /// Letters.
    pub enum Case as "a case" {
        /// ABC
        Upper = "upper",
        /// abc
        Lower = "lower",
    }
}

impl SortedAlgorithm {
    fn compiled(self) -> SignatureAlgorithm {
        match self {
            Self::Md5 => SignatureAlgorithm::Hash(Algorithm::Md5),
            Self::Sha1 => SignatureAlgorithm::Hash(Algorithm::Sha1),
            Self::Sha256 => SignatureAlgorithm::Hash(Algorithm::Sha256),
            Self::Sha512 => SignatureAlgorithm::Hash(Algorithm::Sha512),
            Self::Sm3 => SignatureAlgorithm::Hash(Algorithm::Sm3),
            Self::HmacMd5 => SignatureAlgorithm::Hmac(Algorithm::Md5),
            Self::HmacSha1 => SignatureAlgorithm::Hmac(Algorithm::Sha1),
            Self::HmacSha256 => SignatureAlgorithm::Hmac(Algorithm::Sha256),
            Self::HmacSha512 => SignatureAlgorithm::Hmac(Algorithm::Sha512),
            Self::HmacSm3 => SignatureAlgorithm::Hmac(Algorithm::Sm3),
            Self::RsaSha256 => SignatureAlgorithm::Rsa(RsaKey::default()),
            Self::Sm2Sm3 => SignatureAlgorithm::Sm2(SignatureForm::Asn1),
            Self::Sm2Sm3Plain => SignatureAlgorithm::Sm2(SignatureForm::Plain),
        }
    }
}

impl SchemeConfig for SortedSign {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let algorithm = self.algorithm.value.compiled();
        let key = if algorithm.has_private_key() {
            compile.own_template(&self.key, Place::Plain)
        } else {
            compile.template(&self.key, Place::Plain)
        };
        let key_place = self.key_place(&algorithm, compile)?;
        let mut literal = |text: &Option<Text>, usual: &str| match text {
            Some(text) => compile.literal(text, Place::Plain),
            None => Some(usual.to_owned()),
        };
        let (separator, assign) = (literal(&self.separator, "&"), literal(&self.assign, "="));
        let key_name = literal(&self.key_name, "key");
        let except =
            self.except.iter().flatten().map(|name| compile.literal(name, Place::Plain)).collect::<Option<_>>();
        let mut also = Vec::new();
        for (name, value) in self.also.iter() {
            also.push((name.value.clone(), compile.template(value, Place::Plain)?));
        }
        let into = self.into.compile(compile);
        let body = compile.request?.body_kind();
        has_fields(body, compile)?;
        let upper = self.case.as_ref().is_none_or(|case| case.value == Case::Upper);
        let hex = self.output.as_ref().map_or(!algorithm.has_private_key(), |output| output.value == SortedOutput::Hex);
        let output = match (hex, upper) {
            (false, _) => Output::Base64,
            (true, true) => Output::HexUpper,
            (true, false) => Output::Hex,
        };
        let layout = Layout {
            key_place,
            key_name: key_name?,
            separator: separator?,
            assign: assign?,
            skip_empty: self.skip_empty.as_ref().is_none_or(|skip| skip.value),
            except: except?,
        };
        Some(Box::new(SortedPlan { algorithm, key: key?, layout, also, output, body, into: into? }))
    }

    fn writes_authorization(&self) -> bool {
        false
    }
}

impl SortedSign {
    /// A hash without its key in the text could be computed by anyone; a private key in it would be sent to the server.
    fn key_place(&self, algorithm: &SignatureAlgorithm, compile: &mut Compile<'_>) -> Option<KeyPlace> {
        let usual = if algorithm.has_private_key() { KeyPlace::None } else { KeyPlace::Pair };
        let Some(place) = &self.key_place else { return Some(usual) };
        let message = match (algorithm, place.value) {
            (SignatureAlgorithm::Hash(_), KeyPlace::None) => "a hash without its key in the text proves nothing",
            (
                SignatureAlgorithm::Rsa(_) | SignatureAlgorithm::Sm2(_),
                KeyPlace::Pair | KeyPlace::End | KeyPlace::Around,
            ) => "a private key is no part of the text",
            (_, place) => return Some(place),
        };
        compile.error("auth-key", &place.span, message, "leave `key_place` out");
        None
    }
}

/// A body has separate fields; so has an absent body.
fn has_fields(kind: Option<BodyKind>, compile: &mut Compile<'_>) -> Option<()> {
    let request = compile.request?;
    let message = match kind {
        Some(BodyKind::Multipart | BodyKind::Text) => "this body has no fields that could be sorted and signed",
        Some(BodyKind::Json | BodyKind::Xml) if !request.charset().is_utf8() => {
            "fields of JSON and XML are signed in UTF-8, and this request has another charset"
        }
        _ => return Some(()),
    };
    let at = compile.at.clone();
    compile.error("auth-body", &at, message, "sign request.body with `auth: hmac`, or send a form");
    None
}

#[derive(Debug)]
struct SortedPlan {
    algorithm: SignatureAlgorithm,
    key: Template,
    layout: Layout,
    also: Vec<(String, Template)>,
    output: Output,
    body: Option<BodyKind>,
    into: TargetPlan,
}

/// How the signed text is laid out.
#[derive(Debug)]
struct Layout {
    key_place: KeyPlace,
    key_name: String,
    separator: String,
    assign: String,
    skip_empty: bool,
    except: Vec<String>,
}

impl Layout {
    /// `fields` in the order of their names' bytes, with `key` where it stands.
    fn text(&self, mut fields: Vec<Field>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignError> {
        fields.retain(|field| self.except.iter().all(|name| name.as_bytes() != field.name));
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(two) = fields.windows(2).find(|two| two[0].name == two[1].name) {
            let name = String::from_utf8_lossy(&two[0].name).into_owned();
            let what = format!("`{name}` is there twice, and the server would sign one of the two");
            return Err(SignError::Render(RenderError::Unfit { what }));
        }
        fields.retain(|field| !self.skip_empty || !field.value.is_empty());
        if self.key_place == KeyPlace::Pair {
            fields.push(Field::new(self.key_name.as_bytes(), key));
        }
        let size: usize = fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        let between = fields.len() * (self.separator.len() + self.assign.len());
        // In full at once: a buffer that grows leaves a copy of the password behind.
        let mut text = Zeroizing::new(Vec::with_capacity(size + between + 2 * key.len()));
        if self.key_place == KeyPlace::Around {
            text.extend_from_slice(key);
        }
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(self.separator.as_bytes());
            }
            text.extend_from_slice(&field.name);
            text.extend_from_slice(self.assign.as_bytes());
            text.extend_from_slice(&field.value);
        }
        if matches!(self.key_place, KeyPlace::End | KeyPlace::Around) {
            text.extend_from_slice(key);
        }
        Ok(text)
    }
}

impl SortedPlan {
    fn add(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let mut fields = fields::query(request)?;
        fields.extend(fields::body(request, self.body)?);
        for (name, value) in &self.also {
            let value = value.render(Place::Plain, ports.context, Charset::UTF_8)?;
            fields.push(Field { name: name.clone().into_bytes(), value });
        }
        let key = self.key.render(Place::Plain, ports.context, Charset::UTF_8)?;
        let text = self.layout.text(fields, &key)?;
        let signature = self.output.write(&self.algorithm.sign(&key, &text)?);
        Ok(Signature::of(self.into.put(request, &signature)?))
    }
}

impl Scheme for SortedPlan {
    fn templates(&self) -> Vec<&Template> {
        std::iter::once(&self.key).chain(self.also.iter().map(|(_, value)| value)).collect()
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.add(request, ports)))
    }
}

#[cfg(test)]
mod tests;
