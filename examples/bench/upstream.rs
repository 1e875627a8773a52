//! The 4A server of the bench: reads a request, says yes. It lives in the bench's own process, so its CPU time is nobody's.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;

use doorward::crypto::cipher::{Algorithm, Cipher, Mode, Padding};
use doorward::crypto::encoding::base64_encode;

use super::bodies::{KEY, filled};
use super::load::whole;

/// md5 of `123456`, the password that the load sends: whoever did not compute it gets no yes.
const DIGEST: &str = "e10adc3949ba59abbe56e057f20f883e";

/// Serves until the process ends; a thread a connection.
pub fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some(length) = whole(&buffer) {
            let reply = answer(&String::from_utf8_lossy(&buffer[..length]));
            buffer.drain(..length);
            stream.write_all(reply.as_bytes())?;
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A yes of 32 KiB, encrypted with AES, as base64.
fn sealed() -> &'static str {
    static SEALED: OnceLock<String> = OnceLock::new();
    SEALED.get_or_init(|| {
        let filler = "x".repeat(32 << 10);
        let plain = format!(r#"{{"code":200,"result":{{"token":"t-1","loginName":"zhangsan"}},"filler":"{filler}"}}"#);
        let cbc = Algorithm { cipher: Cipher::Aes, mode: Mode::Cbc, padding: Padding::Pkcs7 };
        let text = cbc.encrypt(KEY.as_bytes(), KEY.as_bytes(), plain.as_bytes());
        text.map(|text| base64_encode(&text)).unwrap_or_default()
    })
}

fn answer(request: &str) -> String {
    if request.starts_with("POST /api/sealed ") {
        let body = sealed();
        return format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
    if let Some(path) = request.strip_prefix("POST /api/reply/") {
        return sized(path);
    }
    let name = request.split_once("\"user-name\":\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |it| it.0);
    let body =
        if request.contains(DIGEST) || request.starts_with("POST /api/rsa ") || request.contains("\"code\":\"042042\"")
        {
            format!(r#"{{"code":200,"msg":"ok","result":{{"token":"t-1f3870be274f6c49","loginName":"{name}"}}}}"#)
        } else {
            r#"{"code":500,"msg":"wrong","result":null}"#.to_owned()
        };
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A yes of about so many KiB: `json/10 HTTP/1.1`. What fills it is what lists of roles and menus look like.
fn sized(path: &str) -> String {
    static MADE: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let all = ["json", "xml", "html"].into_iter().flat_map(|format| [1, 10, 100].map(|size| (format, size)));
        all.map(|(format, size)| (format!("{format}/{size} "), with_head(format, &filled(format, size)))).collect()
    });
    made.iter().find(|(known, _)| path.starts_with(known)).map(|(_, reply)| reply.clone()).unwrap_or_default()
}

fn with_head(format: &str, body: &str) -> String {
    let kind = match format {
        "json" => "application/json",
        "xml" => "application/xml",
        _ => "text/html; charset=utf-8",
    };
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
