//! What an upstream reads from a request, by parsers that share no code with Doorward's encoders.

use doorward::request::{Prepared, cookie_header};
use futures_util::StreamExt as _;

/// A request as it stands on the wire, read back.
pub struct Received {
    /// Path segments, percent-decoded.
    pub segments: Vec<Vec<u8>>,
    /// Query pairs, percent-decoded.
    pub query: Vec<(Vec<u8>, Vec<u8>)>,
    /// Header fields.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// Writes the request as HTTP/1.1 and reads it with httparse.
    pub fn new(prepared: &Prepared) -> Self {
        let url = &prepared.url;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut wire = format!("{} {target} HTTP/1.1\r\n", prepared.method).into_bytes();
        let mut field = |name: &str, value: &[u8]| {
            wire.extend_from_slice(name.as_bytes());
            wire.extend_from_slice(b": ");
            wire.extend_from_slice(value);
            wire.extend_from_slice(b"\r\n");
        };
        for (name, value) in &prepared.headers {
            field(name.as_str(), value.as_bytes());
        }
        let cookies = prepared.cookies.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        if let Some(value) = cookie_header(cookies) {
            field("cookie", value.as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&wire).expect("the upstream reads the header block");
        assert_eq!(parsed, httparse::Status::Complete(wire.len()), "one request and nothing behind it");
        let target = request.path.expect("a target");
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Self {
            segments: path.strip_prefix('/').expect("a slash").split('/').map(percent_decoded).collect(),
            query: query.map(|query| pairs(query.as_bytes())).unwrap_or_default(),
            headers: request.headers.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect(),
            body: prepared.body.as_deref().unwrap_or_default().to_vec(),
        }
    }

    pub fn header(&self, name: &str) -> &[u8] {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = &found.next().unwrap_or_else(|| panic!("no header {name}")).1;
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub fn cookies(&self) -> Vec<(&str, &str)> {
        let text = str::from_utf8(self.header("cookie")).unwrap();
        text.split("; ").map(|pair| pair.split_once('=').unwrap()).collect()
    }
}

/// Pairs of a form or query, as bytes.
pub fn pairs(form: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let form = str::from_utf8(form).expect("forms are ASCII");
    form.split('&')
        .map(|pair| pair.split_once('=').expect("an equals sign"))
        .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
        .collect()
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&pair).unwrap(), 16).expect("two hex digits")
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    out
}

/// The parts of a multipart body, by multer.
pub fn parts(received: &Received) -> Vec<(String, Vec<u8>)> {
    let content_type = str::from_utf8(received.header("content-type")).unwrap();
    let boundary = multer::parse_boundary(content_type).expect("a boundary");
    let body = bytes::Bytes::from(received.body.clone());
    let stream = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut multipart = multer::Multipart::new(stream.boxed(), boundary);
        let mut parts = Vec::new();
        while let Some(field) = multipart.next_field().await.expect("the upstream reads the parts") {
            let name = field.name().unwrap().to_owned();
            parts.push((name, field.bytes().await.unwrap().to_vec()));
        }
        parts
    })
}

/// Every element and attribute of a document with its text, in order, by quick-xml.
pub fn elements(xml: &str) -> Vec<(String, String)> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        match reader.read_event().expect("the upstream reads the XML") {
            Event::Start(tag) => {
                open.push(found.len());
                found.push((tag.name().0.to_owned(), String::new()));
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
                    found.push((format!("@{}", attribute.key.0), value.into_owned()));
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => {
                if let Some(at) = open.last() {
                    found[*at].1.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let at = *open.last().expect("inside an element");
                match reference.resolve_char_ref().unwrap() {
                    Some(c) => found[at].1.push(c),
                    None => found[at].1.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap()),
                }
            }
            Event::Decl(_) => {}
            Event::Eof => return found,
            other => panic!("unexpected {other:?}"),
        }
    }
}
