use super::{Lookup, Path};
use crate::document::{Shape, Value, from_json, to_json};

fn json(text: &str) -> Value {
    from_json(text.as_bytes()).unwrap()
}

#[test]
fn a_path_reads_one_node() {
    let document = json(
        r##"{"code":200,"data":{"token":"t","list":[{"x":1},{"x":2}]},"a":{"odd key":3,"b.c":4,"":5},
           "@id":6,"#text":7,"结果":8,"$ref":9,"user-name":10,"null":null,"'":11}"##,
    );
    for (path, wanted) in [
        ("code", "200"),
        ("data.token", r#""t""#),
        ("data.list[0].x", "1"),
        ("data.list[-1].x", "2"),
        (r#"a."odd key""#, "3"),
        (r#"a["b.c"]"#, "4"),
        ("a.'b.c'", "4"),
        (r#"a."""#, "5"),
        ("@id", "6"),
        ("#text", "7"),
        ("结果", "8"),
        (r#""\u7ed3\u679c""#, "8"),
        (r#""$ref""#, "9"),
        ("user-name", "10"),
        ("null", "null"),
        (r"'\''", "11"),
        ("$.code", "200"),
        ("$['data']['list'][1].x", "2"),
        ("$ . data . token", ""),
    ] {
        match Path::parse(path) {
            Ok(parsed) => {
                assert_eq!(parsed.get(&document).map(to_json).as_deref(), Some(wanted), "{path}");
                assert_eq!(parsed.to_string(), path);
            }
            Err(error) => assert_eq!(wanted, "", "{path}: {error}"),
        }
    }
    assert_eq!(Path::parse("$").unwrap().get(&document), Some(&document));
}

#[test]
fn what_is_not_there_is_none() {
    let document = json(r#"{"a":[1],"b":{"c":"text"},"n":null}"#);
    for path in ["x", "a.x", "a[1]", "a[-2]", "b[0]", "b.c.d", "b.c[0]", "n.x", "a.0", "$[0]", "a[9007199254740991]"] {
        assert_eq!(Path::parse(path).unwrap().get(&document), None, "{path}");
    }
}

#[test]
fn paths_that_do_not_name_one_node_are_refused_with_their_place() {
    for (path, offset) in [
        ("", 0),
        ("$..a", 2),
        ("$.*", 2),
        ("$[*]", 2),
        ("$[0,1]", 3),
        ("$[0:1]", 3),
        ("$[:1]", 2),
        ("$[?@.a]", 2),
        ("$[00]", 4),
        ("$[-0]", 4),
        ("$[9007199254740992]", 18),
        ("$type", 1),
        ("$ ", 2),
        (" $", 0),
        ("a..b", 2),
        ("a.*", 2),
        ("*", 0),
        ("a.", 2),
        (".a", 0),
        ("a b", 1),
        ("a[", 2),
        ("a[x]", 2),
        ("a[0", 3),
        (r#"a."b"#, 4),
        (r#""\x""#, 3),
        (r#""\ud800""#, 7),
        ("[0]", 0),
    ] {
        let error = Path::parse(path).unwrap_err();
        assert_eq!(error.offset, offset, "{path}: {error}");
    }
    assert!(Path::parse(&"a".repeat(2000)).is_err());
}

#[test]
fn two_spellings_of_one_path_are_equal() {
    assert_eq!(Path::parse("a.b[0]").unwrap(), Path::parse("$['a'].b[0]").unwrap());
    assert_ne!(Path::parse("a.b").unwrap(), Path::parse("a").unwrap());
}

#[test]
fn in_xml_the_first_of_one_is_itself_and_one_of_many_is_ambiguous() {
    let document = json(r#"{"r":{"one":{"x":"1"},"many":[{"x":"1"},{"x":"2"}]}}"#);
    let in_xml = |path: &str| match Path::parse(path).unwrap().look_up(&document, Shape::Xml) {
        Lookup::Node(node) => to_json(node),
        Lookup::Absent => "absent".to_owned(),
        Lookup::Ambiguous => "ambiguous".to_owned(),
    };
    for (path, wanted) in [
        ("r.one.x", r#""1""#),
        ("r.one[0].x", r#""1""#),
        ("r.one[-1].x[0]", r#""1""#),
        ("r.one[1].x", "absent"),
        ("r.one[0][0]", "absent"),
        ("$[0]", "absent"),
        ("r.many[1].x", r#""2""#),
        ("r.many.x", "ambiguous"),
        ("r.none.x", "absent"),
    ] {
        assert_eq!(in_xml(path), wanted, "{path}");
    }
}
