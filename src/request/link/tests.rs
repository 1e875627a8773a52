use indexmap::IndexMap;
use url::Url;

use crate::context::{Context, PageFacts, StepFacts, StepOutcome};
use crate::document::Value;
use crate::request::tests::compile_text;
use crate::request::{CompileOptions, LinkSpec, RequestPlan};
use crate::template::{Language, RenderError};

const ASKED: &str = "https://4a.example.com/cas/login?service=x#top";

fn urls(origins: &[&str]) -> Vec<Url> {
    origins.iter().map(|origin| Url::parse(origin).unwrap()).collect()
}

fn compiled(more: &str, in_page: bool, origins: &[&str], nodes: &[&str]) -> RequestPlan {
    let link = LinkSpec {
        step: "page".to_owned(),
        capture: "action".to_owned(),
        in_page,
        origins: urls(&[origins, nodes].concat()),
        nodes: urls(nodes),
    };
    let text = format!("url: {{ from: steps.page.action }}\n{more}");
    compile_text(&text, CompileOptions { link: Some(link), ..CompileOptions::new(&Language::default()) }).unwrap()
}

/// A login whose step `page` asked for `ASKED` and captured `action` on a page with `base`.
fn captured(action: Option<Value>, base: Option<&str>) -> Context {
    let page = PageFacts { url: Some(ASKED.to_owned()), base: base.map(str::to_owned), ..PageFacts::default() };
    let captures = IndexMap::from([("action".to_owned(), action)]);
    let facts = StepFacts { outcome: StepOutcome::Success, status: Some(200), captures, page };
    let mut context = Context::default();
    context.steps.insert("page".to_owned(), facts);
    context
}

fn followed(plan: &RequestPlan, action: &str, base: Option<&str>) -> Result<String, String> {
    match plan.render(&captured(Some(action.into()), base), None) {
        Ok(prepared) => Ok(prepared.url.to_string()),
        Err(RenderError::FromReply { what }) => Err(what),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn resolved_as_a_browser_does() {
    let in_page = compiled("", true, &["https://4a.example.com", "https://sso.example.com:8443"], &[]);
    let header = compiled("", false, &["https://4a.example.com"], &[]);
    let base = Some("https://4a.example.com/base/dir/");
    for (action, page, elsewhere) in [
        ("do", "https://4a.example.com/base/dir/do", "https://4a.example.com/cas/do"),
        ("./do?a=1#frag", "https://4a.example.com/base/dir/do?a=1", "https://4a.example.com/cas/do?a=1"),
        ("../do", "https://4a.example.com/base/do", "https://4a.example.com/do"),
        ("/do;jsessionid=1", "https://4a.example.com/do;jsessionid=1", "https://4a.example.com/do;jsessionid=1"),
        ("?a=b", "https://4a.example.com/base/dir/?a=b", "https://4a.example.com/cas/login?a=b"),
        // An empty one is the page's own address, whatever the base says.
        ("", "https://4a.example.com/cas/login?service=x", "https://4a.example.com/cas/login?service=x"),
        ("#", "https://4a.example.com/base/dir/", "https://4a.example.com/cas/login?service=x"),
        (" \n/d\to ", "https://4a.example.com/do", "https://4a.example.com/do"),
        ("//4a.example.com/do", "https://4a.example.com/do", "https://4a.example.com/do"),
        ("\\\\4A.example.com:443\\do", "https://4a.example.com/do", "https://4a.example.com/do"),
        ("https:do", "https://4a.example.com/base/dir/do", "https://4a.example.com/cas/do"),
        ("HTTPS://4a.EXAMPLE.com", "https://4a.example.com/", "https://4a.example.com/"),
        ("/中?x=中", "https://4a.example.com/%E4%B8%AD?x=%E4%B8%AD", "https://4a.example.com/%E4%B8%AD?x=%E4%B8%AD"),
    ] {
        assert_eq!(followed(&in_page, action, base).as_deref(), Ok(page), "{action:?}");
        assert_eq!(followed(&header, action, base).as_deref(), Ok(elsewhere), "{action:?}");
    }
    let other = "https://sso.example.com:8443/in?x";
    assert_eq!(followed(&in_page, other, None).as_deref(), Ok(other), "another origin of the file");
    // A form without an action.
    let rendered = in_page.render(&captured(None, base), None).unwrap();
    assert_eq!(rendered.url.as_str(), "https://4a.example.com/cas/login?service=x");
}

#[test]
fn never_to_an_origin_that_the_file_does_not_write() {
    let plan = compiled("", true, &["https://4a.example.com", "http://4a.example.com:8080"], &[]);
    let long = format!("/{}", "a".repeat(17_000));
    let grown = format!("/?{}", "'".repeat(6_000));
    let far = format!("https://{}.example/", "a.".repeat(60));
    for (action, why) in [
        ("//evil.example/do", "leads to https://evil.example, which the file does not write"),
        ("\\\\evil.example", "leads to https://evil.example, which the file does not write"),
        ("/\\evil.example", "leads to https://evil.example, which the file does not write"),
        ("/\t/evil.example", "leads to https://evil.example, which the file does not write"),
        ("https:evil.example", ""),
        ("https://evil.example\\@4a.example.com/", "leads to https://evil.example, which the file does not write"),
        ("https://4a.example.com@evil.example/", "has a user name in front of its host"),
        ("https://4a.example.com:pw@evil.example/", "has a user name in front of its host"),
        ("https://user@4a.example.com/", "has a user name in front of its host"),
        (
            "https://4a.example.com.evil.example/",
            "leads to https://4a.example.com.evil.example, which the file does not write",
        ),
        ("https://4a.example.com./", "leads to https://4a.example.com., which the file does not write"),
        ("https://4a.example.com:8443/", "leads to https://4a.example.com:8443, which the file does not write"),
        ("https://4a。example。com.evil/", "leads to https://4a.example.com.evil, which the file does not write"),
        ("https://127.1/", "leads to https://127.0.0.1, which the file does not write"),
        ("http://4a.example.com/", "leads from https to http"),
        ("http://4a.example.com:8080/", "leads from https to http"),
        ("http:evil.example", "leads from https to http"),
        ("data:text/html,x", "is no http or https URL"),
        ("javascript:alert(1)", "is no http or https URL"),
        ("file:///etc/passwd", "is no http or https URL"),
        ("blob:https://4a.example.com/x", "is no http or https URL"),
        ("https://", "is no URL"),
        ("https://[", "is no URL"),
        ("https://a b/", "is no URL"),
        (&long, "is longer than 16 KiB"),
        (&grown, "leads to a URL of more than 16 KiB"),
        (&far, "leads to an origin, which the file does not write"),
    ] {
        let followed = followed(&plan, action, None);
        if why.is_empty() {
            // `https:x` is a path to a browser, and to us.
            assert_eq!(followed.as_deref(), Ok("https://4a.example.com/cas/evil.example"));
        } else {
            assert_eq!(followed, Err(format!("nothing was sent: steps.page.action {why}")), "{action:?}");
        }
    }
    let base = Some("https://evil.example/");
    assert_eq!(
        followed(&plan, "do", base).unwrap_err(),
        "nothing was sent: steps.page.action leads to https://evil.example, which the file does not write"
    );
    let number = plan.render(&captured(Some(1.into()), None), None);
    assert!(
        matches!(number, Err(RenderError::FromReply { what }) if what.ends_with("is no URL: its value is of type number"))
    );
    assert!(matches!(plan.render(&Context::default(), None), Err(RenderError::Missing(_))));
}

#[test]
fn of_nodes_only_the_logins_own() {
    let nodes = ["https://4a.example.com", "https://b.example.com"];
    let plan = compiled("", false, &["https://sso.example.com"], &nodes);
    assert!(plan.wants_node() && !plan.has_nodes());
    let (own, other) = (Url::parse(nodes[0]).unwrap(), Url::parse(nodes[1]).unwrap());
    let follow = |action: &str, node: &Url| {
        plan.render(&captured(Some(action.into()), None), Some(node)).map(|prepared| prepared.url.to_string())
    };
    assert_eq!(follow("/do", &own).as_deref(), Ok("https://4a.example.com/do"));
    assert_eq!(follow("https://sso.example.com/", &own).as_deref(), Ok("https://sso.example.com/"));
    for (action, node) in [("https://b.example.com/do", &own), ("/do", &other)] {
        let Err(RenderError::FromReply { what }) = follow(action, node) else { panic!("{action} is followed") };
        assert!(what.ends_with("which is another node than this login's"), "{what}");
    }
}

#[test]
fn the_query_of_the_file_comes_behind_that_of_the_link() {
    let more = "query: { lang: zh, id: \"{{request.id}}\" }\nbody: { text: x }";
    let plan = compiled(more, false, &["https://4a.example.com"], &[]);
    let mut context = captured(Some("/do?a=%20b".into()), None);
    context.request_id = "r&1".to_owned();
    let url = |context: &Context| plan.render(context, None).unwrap().url.to_string();
    assert_eq!(url(&context), "https://4a.example.com/do?a=%20b&lang=zh&id=r%261");
    context.steps["page"].captures["action"] = Some("/do".into());
    assert_eq!(url(&context), "https://4a.example.com/do?lang=zh&id=r%261");
    // Where a trace shows it, path and query are one value of the capture.
    let shape = plan.shape(&context, None).unwrap();
    let first = &shape[0];
    assert_eq!((first.place, first.name.as_str(), first.literal()), ("path", "url", None));
    assert_eq!(first.variables.iter().map(ToString::to_string).collect::<Vec<_>>(), ["steps.page.action"]);
}
