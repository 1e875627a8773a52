use super::*;

/// The text after `change`, which gets the editable text; every line of the old text is still there.
fn changed(text: &str, change: impl Fn(&EditableText<'_>) -> Result<TextEdit, EditError>) -> String {
    let edit = change(&EditableText::read(text).unwrap()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert!(edit.span.is_empty() || text[edit.span.clone()].len() == 2, "only an empty bracket is replaced");
    applied(text, &edit)
}

fn at<'n>(text: &'n EditableText<'_>, path: &[&str]) -> &'n Node {
    path.iter().fold(text.root(), |node, key| match key.parse::<usize>() {
        Ok(index) => match &node.value {
            NodeValue::List(items) => &items[index],
            other => panic!("{other:?}"),
        },
        Err(_) => member(node, key).unwrap(),
    })
}

#[test]
fn a_key_is_added_in_the_style_of_its_map() {
    for (before, path, after) in [
        ("a: 1\nb: 2\n", &[][..], "a: 1\nb: 2\nnew: x\n"),
        ("a: 1", &[], "a: 1\nnew: x"),
        ("a: 1 # why\n# below\n", &[], "a: 1 # why\nnew: x\n# below\n"),
        ("m: { a: 1 } # why\n", &["m"], "m: { a: 1, new: x } # why\n"),
        ("m: {}\n", &["m"], "m: { new: x }\n"),
        ("m: {\n  a: 1, # one\n  b: 2 # two\n}\n", &["m"], "m: {\n  a: 1, # one\n  b: 2, new: x # two\n}\n"),
        (
            "l:\n  - name: a\n    x: 1\n  - name: b\n",
            &["l", "0"],
            "l:\n  - name: a\n    x: 1\n    new: x\n  - name: b\n",
        ),
        ("l:\n- name: a\n- name: b\n", &["l", "1"], "l:\n- name: a\n- name: b\n  new: x\n"),
        ("m:\n  a: |\n    text\n    more\nn: 1\n", &["m"], "m:\n  a: |\n    text\n    more\n  new: x\nn: 1\n"),
        ("m:\n  a:\n    b: 1\n\nn: 1\n", &["m"], "m:\n  a:\n    b: 1\n  new: x\n\nn: 1\n"),
        ("m:\r\n  a: 1\r\nn: 2\r\n", &["m"], "m:\r\n  a: 1\r\n  new: x\r\nn: 2\r\n"),
        ("\u{feff}a: 1\n", &[], "\u{feff}a: 1\nnew: x\n"),
        ("标题: 一 # 注\n", &[], "标题: 一 # 注\nnew: x\n"),
    ] {
        assert_eq!(changed(before, |text| text.add_key(at(text, path), "new", "x")), after, "{before}");
    }
    let text = EditableText::read("a: 1\n").unwrap();
    assert_eq!(text.add_key(text.root(), "a", "2"), Err(EditError::Taken));
}

#[test]
fn an_item_is_added_in_the_style_of_its_list() {
    for (before, after) in [
        ("l: [ a ] # why\n", "l: [ a, new ] # why\n"),
        ("l: []\n", "l: [ new ]\n"),
        ("l:\n  - a\n  # comment\n  - b # b\nm: 1\n", "l:\n  - a\n  # comment\n  - b # b\n  - new\nm: 1\n"),
        ("l:\n- { a: 1 }\nm: 1\n", "l:\n- { a: 1 }\n- new\nm: 1\n"),
        ("l:\n  - a: 1\n    b: 2\n", "l:\n  - a: 1\n    b: 2\n  - new\n"),
        ("l: [\n  a,\n  b\n]\n", "l: [\n  a,\n  b, new\n]\n"),
    ] {
        assert_eq!(changed(before, |text| text.add_item(at(text, &["l"]), "new")), after, "{before}");
    }
}

#[test]
fn an_item_of_several_lines_is_added() {
    let lines = ["name: x".to_owned(), "l:".to_owned(), "  - 1".to_owned()];
    let list = "a: 1\nt:\n  - name: y # why\n# end\n";
    let after = "a: 1\nt:\n  - name: y # why\n  - name: x\n    l:\n      - 1\n# end\n";
    assert_eq!(changed(list, |text| text.add_item_lines(at(text, &["t"]), &lines)), after);
    let after = "a: 1\r\nt:\r\n  - name: x\r\n    l:\r\n      - 1\r\n";
    assert_eq!(changed("a: 1\r\n", |text| text.add_list_lines(text.root(), "t", &lines)), after);
    let flow = EditableText::read("t: []\n").unwrap();
    assert_eq!(flow.add_item_lines(at(&flow, &["t"]), &lines), Err(EditError::Unsure));
}

#[test]
fn a_value_is_wrapped_and_what_is_not_sure_is_refused() {
    let text = "s: { field: code, equals: 1 } # why\n";
    let editable = EditableText::read(text).unwrap();
    let edits = editable.wrap(at(&editable, &["s"]), "{ all: [ ", ", { field: a, exists: true } ] }").unwrap();
    assert_eq!(
        applied_all(text, &edits),
        "s: { all: [ { field: code, equals: 1 }, { field: a, exists: true } ] } # why\n"
    );
    let block = "s:\n  field: code\n  equals: 1\n";
    let editable = EditableText::read(block).unwrap();
    assert_eq!(editable.wrap(at(&editable, &["s"]), "{ all: [ ", " ] }"), Err(EditError::Unsure));
    assert!(matches!(EditableText::read("a: [\n"), Err(EditError::NotYaml)));
    // What is given must be one value.
    let editable = EditableText::read("a: { b: 1 }\n").unwrap();
    assert_eq!(editable.add_key(at(&editable, &["a"]), "c", "x }, { y"), Err(EditError::Unsure));
}

/// Each shipped connector, in each of its maps and lists: the parse is the old tree with one thing more, or it is refused.
#[test]
fn shipped_connectors_keep_every_byte() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let (mut tried, mut refused) = (0, 0);
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let editable = EditableText::read(&text).unwrap();
        let mut nodes = vec![editable.root()];
        while let Some(node) = nodes.pop() {
            let edit = match &node.value {
                NodeValue::Map(entries) => {
                    nodes.extend(entries.iter().map(|entry| &entry.value));
                    editable.add_key(node, "zz-new", "{ a: 1 }")
                }
                NodeValue::List(items) => {
                    nodes.extend(items);
                    editable.add_item(node, "{ a: 1 }")
                }
                _ => continue,
            };
            tried += 1;
            match edit {
                Ok(edit) => {
                    let after = applied(&text, &edit);
                    let inserted = edit.span.start..edit.span.start + edit.text.len();
                    assert_eq!(
                        [&after[..inserted.start], &after[inserted.end..]].concat(),
                        [&text[..edit.span.start], &text[edit.span.end..]].concat()
                    );
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(tried > 1000 && refused * 50 < tried, "{refused} of {tried} were refused");
}
