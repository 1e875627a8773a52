//! Multipart bodies (RFC 7578): names, file names and types are literal, contents are values.
//!
//! The boundary is chosen when all contents are known, from a hash that no user can compute, and tried against them.

use zeroize::Zeroizing;

use crate::context::Context;
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_encode;
use crate::reading::{Dict, OneOrMany};
use crate::template::{Charset, Line, Mistake, Place, RenderError};

use super::raw;
use super::reader::{FileText, Reader};

/// A compiled multipart body.
#[derive(Debug, Clone)]
pub(super) struct MultipartPlan {
    parts: Vec<Part>,
}

/// One part: its header lines without the boundary, and its content.
#[derive(Debug, Clone)]
struct Part {
    head: Vec<u8>,
    name: String,
    content: Line,
}

impl MultipartPlan {
    pub(super) fn compile(raw: &Dict<OneOrMany<raw::Part>>, reader: &mut Reader<'_>) -> Self {
        let each = raw.iter().flat_map(|(name, parts)| parts.iter().map(move |part| (name, part)));
        Self { parts: each.map(|(name, raw)| part(name.into(), raw, reader)).collect() }
    }

    /// Names and contents.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&str, &Line)> {
        self.parts.iter().map(|part| (part.name.as_str(), &part.content))
    }

    /// The body and its boundary.
    pub(super) fn render(&self, context: &Context) -> Result<(Vec<u8>, String), RenderError> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut bytes = Zeroizing::new(Vec::with_capacity(part.content.size_hint()));
            part.content.render(context, Charset::UTF_8, &mut bytes)?;
            parts.push((part.head.as_slice(), bytes));
        }
        assemble(&parts, context)
    }
}

/// The body of parts, each its header lines and its content, and the boundary between them.
pub(super) fn assemble(
    parts: &[(impl AsRef<[u8]>, Zeroizing<Vec<u8>>)],
    context: &Context,
) -> Result<(Vec<u8>, String), RenderError> {
    let boundary = boundary(context, |boundary| {
        let boundary = boundary.as_bytes();
        let free = |bytes: &[u8]| !bytes.windows(boundary.len()).any(|window| window == boundary);
        parts.iter().all(|(head, bytes)| free(bytes) && free(head.as_ref()))
    })?;
    let sizes = parts.iter().map(|(head, bytes)| bytes.len() + head.as_ref().len() + boundary.len() + 8);
    let mut out = Vec::with_capacity(sizes.sum::<usize>() + boundary.len() + 8);
    for (head, bytes) in parts {
        out.extend_from_slice(b"--");
        out.extend_from_slice(boundary.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(head.as_ref());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--");
    out.extend_from_slice(boundary.as_bytes());
    out.extend_from_slice(b"--\r\n");
    Ok((out, boundary))
}

/// A boundary that `fits`. It comes from values of the step run that no user knows, so the same context gives the same
/// request again; the random variables may stand in a content, their hash cannot but by the chance of 2^-128.
fn boundary(context: &Context, fits: impl Fn(&str) -> bool) -> Result<String, RenderError> {
    const TRIES: u8 = 8;
    (0..TRIES)
        .map(|count| {
            let drawn = &context.step.texts;
            let seed = format!("boundary {count} {} {} {}", drawn.hex16, drawn.uuid, context.request_id);
            format!("doorward-{}", hex_encode(&digest(Algorithm::Sha256, seed.as_bytes())[..16]))
        })
        .find(|boundary| fits(boundary))
        .ok_or_else(|| RenderError::Unfit { what: "no multipart boundary is free of the contents".into() })
}

fn part(written_name: FileText<'_>, raw: &raw::Part, reader: &mut Reader<'_>) -> Part {
    let name = reader.literal(written_name, "the name of a multipart part");
    let mut head = b"Content-Disposition: form-data; name=\"".to_vec();
    quote(&name, written_name, &mut head, reader);
    head.push(b'"');
    if let Some(written) = raw.filename.as_ref().map(FileText::from) {
        let filename = reader.literal(written, "a part's file name");
        head.extend_from_slice(b"; filename=\"");
        quote(&filename, written, &mut head, reader);
        head.push(b'"');
    }
    head.extend_from_slice(b"\r\n");
    if let Some(written) = raw.content_type.as_ref().map(FileText::from) {
        let content_type = reader.literal(written, "a part's Content-Type");
        if http::HeaderValue::from_str(&content_type).is_err() || !content_type.contains('/') {
            let mistake = Mistake::new("multipart", written.range(), "this is no Content-Type");
            reader.refuse(written, mistake);
        }
        head.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
    }
    let value = FileText::from(&raw.value.0);
    let template = reader.template(value);
    let mut mistakes = Vec::new();
    let content = Line::compile(&template, Place::MultipartText, Charset::UTF_8, &mut mistakes);
    reader.refuse_all(value, mistakes);
    reader.uses(value, &content);
    Part { head, name, content }
}

/// A name in quotes. Browsers write `%22` for a quote and servers differ in reading it, so such names are refused.
fn quote(name: &str, written: FileText<'_>, head: &mut Vec<u8>, reader: &mut Reader<'_>) {
    if name.is_empty() || name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        let message = "a name of a part is empty or has a quote, a backslash or a control character";
        reader.refuse(written, Mistake::new("multipart", written.range(), message));
    }
    head.extend_from_slice(name.as_bytes());
}
