use super::{Lookup, Path, UnknownCause};
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
        ("a[?@.b]", 2),
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
    // A library that was looked at needs three times as long a level: this would not end.
    assert!(Path::parse(&format!("$[?{}@.a", "length(".repeat(100))).is_err());
    assert!(Path::parse(&format!("$[?{}@.a", "(".repeat(1000))).is_err());
    assert!(Path::parse(&format!("$[?{}@.a{}]", "(".repeat(16), ")".repeat(16))).is_ok());
}

/// What a path comes to, in words.
fn found(path: &str, document: &Value, shape: Shape) -> String {
    match Path::parse(path).unwrap_or_else(|error| panic!("{path}: {error}")).look_up(document, shape) {
        Lookup::Node(node) => to_json(node),
        Lookup::Absent => "absent".to_owned(),
        Lookup::Unknown(why) => why.to_string(),
    }
}

#[test]
fn a_filter_finds_one_none_or_is_unknown() {
    let document = json(
        r#"{"attributes":[{"name":"mail","value":"m@x","rank":1},{"name":"phone","value":"139","rank":2.50},
           {"name":"phone","value":"138","rank":3},{"name":"id","value":9007199254740993,"set":null},"odd",[],null],
           "by_id":{"a":{"on":true,"x":"A"},"b":{"on":false,"x":"B"}},
           "ids":[{"id":9007199254740992},{"id":9007199254740993},{"id":"9007199254740993"},{"id":-1}],
           "one":[{"v":1},{"w":2}],"text":"x","中":[{"名":"值","结":"好"}]}"#,
    );
    let several = "more than one node fits the filter";
    for (path, wanted) in [
        ("$.attributes[?@.name=='mail'].value", r#""m@x""#),
        (r#"$['attributes'][ ? ( @['name'] == "mail" ) ]['value']"#, r#""m@x""#),
        ("$.attributes[?'mail'==@.name].value", r#""m@x""#),
        ("$.attributes[?@.name=='phone'].value", several),
        ("$.attributes[?@.name=='phone'&&@.rank==2.5].value", r#""139""#),
        ("$.attributes[?@.name=='phone'&&@.rank==25e-1].value", r#""139""#),
        ("$.attributes[?@.name=='phone'&&!(@.rank<=2.5)].value", r#""138""#),
        ("$.attributes[?@.name=='none'].value", "absent"),
        ("$.attributes[?@.name=='mail'].none", "absent"),
        // RFC 9535: a member that is null exists.
        ("$.attributes[?@.set].value", "9007199254740993"),
        ("$.attributes[?@.set==null].name", r#""id""#),
        ("$.attributes[?@.name=='x'||@.rank>2.5].value", r#""138""#),
        ("$.attributes[?2.5<@.rank].value", r#""138""#),
        ("$.attributes[?@.name<'mail'].name", r#""id""#),
        ("$.attributes[?@.name>='mail'&&@.name<'n'].name", r#""mail""#),
        ("$.attributes[?@=='odd']", r#""odd""#),
        ("$.attributes[?@.rank==1||@.rank==3&&@.value=='138'].value", several),
        ("$.attributes[?(@.rank==1||@.rank==3)&&@.value=='138'].value", r#""138""#),
        // Of two that fit one has the member.
        ("$.one[?@.v||@.w].v", "1"),
        ("$.by_id[?@.on==true].x", r#""A""#),
        ("$.by_id[?@.on].x", several),
        ("$.by_id[?@.on!=true].x", r#""B""#),
        ("$.ids[?@.id==9007199254740993].id", "9007199254740993"),
        ("$.ids[?@.id=='9007199254740993'].id", r#""9007199254740993""#),
        ("$.ids[?@.id<0].id", "-1"),
        ("$.ids[?@.id>9007199254740992].id", "9007199254740993"),
        ("$.中[?@.名=='值'].结", r#""好""#),
        ("$.中[?@.名=='\\u503c'].结", r#""好""#),
        ("$.attributes[?@.name=='mail'][?@=='m@x']", r#""m@x""#),
        ("$.text[?@=='x']", "absent"),
        ("$.none[?@.x==1]", "absent"),
    ] {
        assert_eq!(found(path, &document, Shape::Plain), wanted, "{path}");
    }
}

#[test]
fn what_a_filter_cannot_ask_is_refused_with_its_place() {
    for (path, offset, cause) in [
        ("$.a[?@.b=='x'", 13, "expected `==`"),
        ("$.a[?b=='x']", 5, "expected `@`"),
        ("$.a[?@.b='x']", 9, "equality is written `==`"),
        ("$.a[?@.b=~'x']", 9, "equality is written `==`"),
        ("$.a[?@.b==x]", 10, "expected `@`"),
        ("$.a[?@.b==True]", 10, "expected `@`"),
        ("$.a[?@.b==01]", 10, "not a number"),
        ("$.a[?@.b==1e10000]", 10, "not a number"),
        ("$.a[?@.b==- 1]", 10, "not a number"),
        ("$.a[?'x']", 5, "a literal alone"),
        ("$.a[?true]", 5, "a literal alone"),
        ("$.a[?1==1]", 5, "compares a path"),
        ("$.a[?@.b==@.c]", 5, "compares a path"),
        ("$.a[?@.b==$.c]", 10, "`$` is not read"),
        ("$.a[?$.c]", 5, "`$` is not read"),
        ("$.a[?length(@.b)==1]", 5, "functions"),
        ("$.a[?@.b==value(@.c)]", 10, "functions"),
        ("$.a[?@.*==1]", 7, "names one node"),
        ("$.a[?@..b]", 7, "names one node"),
        ("$.a[?@[*]]", 7, "names one node"),
        ("$.a[?@[0:1]]", 8, "names one node"),
        ("$.a[?@[0,1]]", 8, "names one node"),
        ("$.a[?@[?@.b]]", 7, "names one node"),
        ("$.a[?@.b,?@.c]", 8, "more than one node"),
        ("$.a[?@.b][*]", 10, "more than one node"),
        ("$.a[?!@.b==1]", 6, "needs parentheses"),
        ("$.a[?@.b&@.c]", 9, "expected `&&`"),
        ("$.a[?(@.b]", 9, "or `)`"),
        ("$.a[?@.b c=='x']", 9, "expected `==`"),
        ("$.a[?@.b=='x]", 13, "not closed"),
        ("a[?@.b=='x'].c", 2, "starts with `$`"),
    ] {
        let error = Path::parse(path).unwrap_err();
        assert_eq!(error.offset, offset, "{path}: {error}");
        assert!(error.cause.contains(cause), "{path}: {error}");
    }
}

#[test]
fn a_filter_of_xml_reads_one_element_as_it_reads_two() {
    let document = json(
        r##"{"r":{"one":{"attr":{"@name":"mail","#text":"m@x"}},"two":{"attr":[{"@name":"mail","#text":"m@x"},{"@name":"n","#text":"7"}]},
           "role":"admin","flat":{"item":[{"k":"1","v":["a","b"]},{"k":"true","v":"c"},{"k":["2","3"],"v":"d"}]}}}"##,
    );
    for (path, wanted) in [
        ("$.r.one.attr[?@['@name']=='mail']", r##"{"@name":"mail","#text":"m@x"}"##),
        ("$.r.two.attr[?@['@name']=='mail']", r##"{"@name":"mail","#text":"m@x"}"##),
        ("$.r.one.attr[?@['@name']=='mail']['#text']", r#""m@x""#),
        ("$.r.two.attr[?@==7]['@name']", r#""n""#),
        ("$.r.role[?@=='admin']", r#""admin""#),
        ("$.r.role[?@=='user']", "absent"),
        ("$.r.flat.item[?@.v=='c'].k", "an element on the way is repeated"),
        ("$.r.flat.item[?@.k==1].v", "an element on the way is repeated"),
        // What is false whatever the repeated one says is told.
        ("$.r.flat.item[?@.v=='zz'&&@.k==1].v", "an element on the way is repeated"),
        ("$.r.flat.item[?@.none&&@.k==1].v", "absent"),
        ("$.r.flat.item[?!@.none].none", "absent"),
    ] {
        assert_eq!(found(path, &document, Shape::Xml), wanted, "{path}");
    }
}

#[test]
fn a_filter_looks_at_no_more_than_it_may() {
    let items = vec!["{\"k\":1}"; 20_000].join(",");
    let document = json(&format!("[{items}]"));
    let few = Path::parse("$[?@.k==2]").unwrap().look_up_counted(&document, Shape::Plain);
    assert_eq!(few.0, Lookup::Absent);
    assert!((40_000..100_000).contains(&few.1), "{}", few.1);
    let many = format!("$[?{}@.k==2]", "@.k==3||".repeat(20));
    let (lookup, steps) = Path::parse(&many).unwrap().look_up_counted(&document, Shape::Plain);
    assert_eq!((lookup, steps), (Lookup::Unknown(UnknownCause::TooMuch), 200_000));
    // The digits of one long number are looked at for every comparison.
    let long = json(&format!("[{}]", "7".repeat(900_000)));
    assert_eq!(Path::parse("$[?@==1||@==2||@==3||@==4]").unwrap().get(&long), None);
    // What filters nothing counts nothing.
    assert_eq!(Path::parse("$[19999].k").unwrap().look_up_counted(&document, Shape::Plain).1, 0);
}

#[test]
fn what_may_be_one_node_is_known_as_such() {
    let within = |a: &str, b: &str| Path::parse(a).unwrap().may_be_within(&Path::parse(b).unwrap());
    for (a, b) in [
        ("data.token", "data"),
        ("data.token", "$"),
        ("list[0].x", "list[-1].x"),
        ("r.one.x", "r.one[0].x"),
        ("r.one[-1].x", "r.one.x"),
        ("r.one", "r.one[0]"),
        ("$.list[?@.n=='a'].v", "$.list[?@.n=='a'].v"),
        ("$.list[?@.n=='a'].v", "$.list[?@.n=='b'].v"),
        ("list[3].v", "$.list[?@.n=='b'].v"),
        ("$.map[?@.n=='a']", "map.x"),
    ] {
        assert!(within(a, b), "{a} {b}");
    }
    for (a, b) in [
        ("data", "data.token"),
        ("data.code", "data.token"),
        ("list[0]", "list[1]"),
        ("other[0]", "$.list[?@.n=='b']"),
        ("$.list[?@.n=='a'].v", "$.list[?@.n=='a'].w"),
    ] {
        assert!(!within(a, b), "{a} {b}");
    }
}

#[test]
fn a_filter_that_asks_what_an_item_is_not_takes_anything() {
    for (path, anything) in [
        ("$[?@.code!=500]", true),
        ("$[?!@.error]", true),
        ("$[?@]", true),
        ("$[?@!='x'][?@!='y']", true),
        ("$[?!(@.code==500)]", true),
        ("$[?@.code==200]", false),
        ("$[?@.token]", false),
        ("$.list[?@.code!=500]", false),
        ("$[?@.code!=500].token", false),
        ("$", false),
    ] {
        assert_eq!(Path::parse(path).unwrap().takes_anything(), anything, "{path}");
    }
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
        Lookup::Unknown(why) => why.to_string(),
    };
    for (path, wanted) in [
        ("r.one.x", r#""1""#),
        ("r.one[0].x", r#""1""#),
        ("r.one[-1].x[0]", r#""1""#),
        ("r.one[1].x", "absent"),
        ("r.one[0][0]", "absent"),
        ("$[0]", "absent"),
        ("r.many[1].x", r#""2""#),
        ("r.many.x", "an element on the way is repeated"),
        ("r.none.x", "absent"),
    ] {
        assert_eq!(in_xml(path), wanted, "{path}");
    }
}
