//! Servers that speak SOAP and XML as old toolkits do.

use super::servers::{answering, form_parameter, parameter, reply};
use crate::support::fault_server::FaultServer;

const XML: &str = "200 OK\r\nContent-Type: text/xml; charset=utf-8";

/// An envelope of encoded SOAP (SOAP 1.1 section 5): every element names its type.
fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

fn escaped(xml: &str) -> String {
    xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The document inside is text, and says GBK of itself.
pub async fn encoded() -> FaultServer {
    answering(|request| {
        let has = |element: &str| request.contains(&escaped(element).replace("&gt;", ">")) || request.contains(&escaped(element));
        let right = has("<ACCID>zhangsan</ACCID>") && has("<PASSWORD>right</PASSWORD>");
        let body = if right {
            "<RSP>0</RSP><TOKEN>t1</TOKEN>"
        } else {
            "<RSP>1</RSP><ERRDESC>密码错误</ERRDESC>"
        };
        let inner = format!(
            "\n<?xml version=\"1.0\" encoding=\"GBK\"?>\n<USERRSP><HEAD><CODE>1</CODE></HEAD><BODY>{body}</BODY></USERRSP>\n"
        );
        let said = envelope(&format!(
            "<ns1:checkResponse xmlns:ns1=\"http://4a.example\"><checkReturn xsi:type=\"xsd:string\">{}</checkReturn></ns1:checkResponse>",
            escaped(&inner)
        ));
        reply(XML, &said)
    })
    .await
}

/// A page of JSP whose directives leave their line ends.
pub async fn behind_blank_lines() -> FaultServer {
    answering(|request| {
        let right = form_parameter(request, "u") == "zhangsan" && form_parameter(request, "p") == "right";
        let result = if right { "<code>0</code><token>t1</token>" } else { "<code>1</code>" };
        let said = format!("\r\n\r\n<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\r\n<result>{result}</result>\r\n");
        reply("200 OK\r\nContent-Type: text/html; charset=UTF-8", &said)
    })
    .await
}

/// Each element has its type, and the session serves the next request.
pub async fn typed() -> FaultServer {
    answering(|request| {
        if let Some(query) = request.strip_prefix("GET /36/profile?") {
            let session = parameter(query.split(' ').next().unwrap_or_default(), "session");
            let said = if session == "s-1" { r#"{"name":"zhang"}"# } else { r#"{"error":"no session"}"# };
            return reply("200 OK", said);
        }
        let right = request.contains("<u>zhangsan</u><p>right</p>");
        let (code, session, message) = if right { ("0", "s-1", "") } else { ("1", "", "用户名或密码错误") };
        let group = if request.contains("<p>locked</p>") { "locked" } else { "staff" };
        let said = envelope(&format!(
            "<loginResponse><loginReturn xsi:type=\"ns2:LoginResult\"><code xsi:type=\"xsd:int\">{code}</code>\
             <session xsi:type=\"xsd:string\">{session}</session><message xsi:type=\"xsd:string\">{message}</message>\
             <account xsi:type=\"xsd:string\">zhangsan</account>\
             <group xsi:type=\"xsd:string\">{group}</group><group xsi:type=\"xsd:string\">admin</group>\
             </loginReturn></loginResponse>"
        ));
        reply(XML, &said)
    })
    .await
}

/// A gateway that wraps what its old server says.
pub async fn inside_json() -> FaultServer {
    answering(|request| {
        let right = request.contains(r#""u":"zhangsan""#) && request.contains(r#""p":"right""#);
        let members =
            if right { "<code t='int'>200</code><token t='s'>t1</token>" } else { "<code t='int'>500</code>" };
        let said = serde_json::json!({ "xml": format!("<r>{members}</r>") });
        reply("200 OK\r\nContent-Type: application/json", &said.to_string())
    })
    .await
}

/// A camera that checks a digest of WS-Security (UsernameToken Profile 1.0 section 3.1) and says "no" with a fault.
pub async fn device() -> FaultServer {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha1::{Digest as _, Sha1};

    fn element<'r>(request: &'r str, name: &str) -> &'r str {
        let starts = |at: &usize| request[at + name.len() + 1..].starts_with(['>', ' ']);
        let at = request.match_indices(&format!("<{name}")).map(|(at, _)| at).find(starts);
        let from = at.and_then(|at| request[at..].split_once('>')).map(|(_, rest)| rest);
        from.and_then(|rest| rest.split('<').next()).unwrap_or_default()
    }
    fn fault(subcode: &str, reason: &str) -> String {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:ter=\"http://www.onvif.org/ver10/error\"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>\
             <s:Subcode><s:Value>ter:{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en\">{reason}\
             </s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
        );
        reply("500 Internal Server Error\r\nContent-Type: application/soap+xml; charset=utf-8", &body)
    }
    answering(|request| {
        let user = element(request, "wsse:Username");
        if user == "outage" {
            return fault("InternalError", "Database not available");
        }
        let nonce = STANDARD.decode(element(request, "wsse:Nonce")).unwrap_or_default();
        let created = element(request, "wsu:Created");
        let digest = Sha1::digest([&nonce[..], created.as_bytes(), b"right"].concat());
        if user != "zhangsan" || element(request, "wsse:Password") != STANDARD.encode(digest) {
            return fault("NotAuthorized", "Sender not authorized");
        }
        let body = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><WhoAmIResponse xmlns=\"urn:t\">\
                    <Account>zhangsan</Account></WhoAmIResponse></s:Body></s:Envelope>";
        reply("200 OK\r\nContent-Type: application/soap+xml; charset=utf-8", body)
    })
    .await
}
