//! What the upstream of the bench says.

/// The key of the encrypted reply, and its iv.
pub const KEY: &str = "0123456789abcdef";

/// The body, at most `size` KiB.
pub fn filled(format: &str, size: usize) -> String {
    let item = |n: usize| match format {
        "json" => {
            format!(r#"{{"id":{n},"name":"role {n}","path":"/menu/{n}","enabled":true,"parent":null,"weight":{n}.5}}"#)
        }
        "xml" => format!(r#"<item id="{n}"><name>role {n}</name><path>/menu/{n}</path><enabled>true</enabled></item>"#),
        _ => format!(r#"<tr class="row"><td>{n}</td><td><a href="/menu/{n}">role {n}</a></td><td>true</td></tr>"#),
    };
    let (before, between, after) = match format {
        "json" => (r#"{"code":200,"msg":"ok","result":{"token":"t-1"},"roles":["#, ",", "]}"),
        "xml" => ("<reply><code>200</code><result><token>t-1</token></result><roles>", "", "</roles></reply>"),
        _ => ("<!DOCTYPE html><html><body><p id=\"token\">t-1</p><table>", "", "</table></body></html>"),
    };
    let mut body = before.to_owned();
    let mut next = item(0);
    for n in 1.. {
        body.push_str(&next);
        next = item(n);
        if body.len() + between.len() + next.len() + after.len() > size << 10 {
            break;
        }
        body.push_str(between);
    }
    body + after
}
