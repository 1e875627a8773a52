//! A request for each place that a value can stand in.

use doorward::request::{BodySpec, JsonSpec, PartSpec, RequestPlan};

use super::{PASSWORD, USER, plan, w};

pub fn path_segment() -> RequestPlan {
    plan(|spec| spec.url = w("https://4a.example.com/u/{{user.username}}/x-{{user.userPassword}}/end"))
}

pub fn query() -> RequestPlan {
    plan(|spec| {
        spec.url = w("https://4a.example.com/login?u={{user.username}}");
        spec.query = vec![(w("p"), w(PASSWORD)), (w("lang"), w("zh"))];
    })
}

pub fn header() -> RequestPlan {
    plan(|spec| spec.headers = vec![(w("x-user"), w(USER)), (w("x-tagged"), w("a {{user.username}} b"))])
}

pub fn whole_header() -> RequestPlan {
    plan(|spec| spec.headers = vec![(w("x-user"), w(USER))])
}

pub fn cookie() -> RequestPlan {
    plan(|spec| spec.cookies = vec![(w("u"), w(USER)), (w("theme"), w("light"))])
}

pub fn json_tree() -> RequestPlan {
    plan(|spec| {
        spec.body = Some(BodySpec::Json(JsonSpec::Object(vec![
            (w("u"), JsonSpec::Text(w(USER))),
            (w("p"), JsonSpec::Array(vec![JsonSpec::Text(w("x{{user.userPassword}}y"))])),
        ])));
    })
}

pub fn json_text() -> RequestPlan {
    plan(|spec| {
        spec.body = Some(BodySpec::JsonText(w(r#"{"u": {{user.username}}, "p": ["x{{user.userPassword}}y"]}"#)));
    })
}

pub fn form() -> RequestPlan {
    plan(|spec| spec.body = Some(BodySpec::Form(vec![(w("u"), w(USER)), (w("p"), w("x{{user.userPassword}}"))])))
}

pub fn multipart() -> RequestPlan {
    let part = |name, value| PartSpec { name: w(name), value: w(value), filename: None, content_type: None };
    plan(|spec| spec.body = Some(BodySpec::Multipart(vec![part("u", USER), part("p", PASSWORD)])))
}

pub fn xml() -> RequestPlan {
    let text = r#"<a xmlns="urn:x"><u id="{{user.username}}">{{user.username}}</u><p>x{{user.userPassword}}</p></a>"#;
    plan(|spec| spec.body = Some(BodySpec::Xml(w(text))))
}

pub fn text() -> RequestPlan {
    plan(|spec| spec.body = Some(BodySpec::Text(w("u={{user.username}}&p={{user.userPassword}}"))))
}
