//! A request for each place that a value can stand in.

use doorward::request::RequestPlan;
use serde_json::json;

use super::{PASSWORD, USER, plan};

pub fn path_segment() -> RequestPlan {
    plan(json!({ "url": "https://4a.example.com/u/{{user.username}}/x-{{user.userPassword}}/end" }))
}

pub fn query() -> RequestPlan {
    let query = json!({ "p": PASSWORD, "lang": "zh" });
    plan(json!({ "url": "https://4a.example.com/login?u={{user.username}}", "query": query }))
}

pub fn header() -> RequestPlan {
    plan(json!({ "headers": { "x-user": USER, "x-tagged": "a {{user.username}} b" } }))
}

pub fn whole_header() -> RequestPlan {
    plan(json!({ "headers": { "x-user": USER } }))
}

pub fn cookie() -> RequestPlan {
    plan(json!({ "cookies": { "u": USER, "theme": "light" } }))
}

pub fn json_tree() -> RequestPlan {
    plan(json!({ "body": { "json": { "u": USER, "p": ["x{{user.userPassword}}y"] } } }))
}

pub fn json_text() -> RequestPlan {
    plan(json!({ "body": { "json": r#"{"u": {{user.username}}, "p": ["x{{user.userPassword}}y"]}"# } }))
}

pub fn form() -> RequestPlan {
    plan(json!({ "body": { "form": { "u": USER, "p": "x{{user.userPassword}}" } } }))
}

pub fn multipart() -> RequestPlan {
    plan(json!({ "body": { "multipart": { "u": USER, "p": PASSWORD } } }))
}

pub fn xml() -> RequestPlan {
    let text = r#"<a xmlns="urn:x"><u id="{{user.username}}">{{user.username}}</u><p>x{{user.userPassword}}</p></a>"#;
    plan(json!({ "body": { "xml": text } }))
}

pub fn text() -> RequestPlan {
    plan(json!({ "body": { "text": "u={{user.username}}&p={{user.userPassword}}" } }))
}
