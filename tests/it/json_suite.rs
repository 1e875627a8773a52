//! JSONTestSuite: what must parse has a document, what must not has none, and nothing panics.

use std::fs;

use doorward::response::{Decoded, Decoding, Format, decode};

use crate::support::corpora;

/// Duplicate keys are legal JSON and no ground for a login: which of the two would a rule read?
const REFUSED: [&str; 2] = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

#[test]
fn every_text_of_the_suite() {
    let Some(folder) = corpora::path("json-test-suite") else { return };
    let decoding = Decoding { format: Format::Json, ..Decoding::default() };
    let (mut accepted, mut refused) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let body = fs::read(&path).unwrap();
        let Decoded { document, .. } = decode(&decoding, Some("application/json"), &body);
        match name.split('_').next().unwrap() {
            "y" if REFUSED.contains(&name.as_str()) => assert!(document.is_err(), "{name}"),
            "y" => {
                assert!(document.is_ok(), "{name}: {document:?}");
                accepted += 1;
            }
            "n" => {
                assert!(document.is_err(), "{name}");
                refused += 1;
            }
            "i" => {}
            _ => panic!("{name} is no case of the suite"),
        }
        // However the body was meant, no decoder may panic on it.
        for format in [Format::Auto, Format::Xml, Format::Form, Format::Html, Format::Text, Format::Bytes] {
            decode(&Decoding { format, ..Decoding::default() }, None, &body);
        }
    }
    assert_eq!((accepted, refused), (93, 188));
}

#[test]
fn choices_where_the_standard_leaves_one() {
    let Some(folder) = corpora::path("json-test-suite") else { return };
    let decoding = Decoding { format: Format::Json, ..Decoding::default() };
    for (name, readable) in [
        ("i_structure_UTF-8_BOM_empty_object.json", true),
        ("i_string_UTF-16LE_with_BOM.json", true),
        ("i_string_utf16LE_no_BOM.json", false),
        ("i_string_invalid_utf-8.json", false),
        ("i_string_UTF-8_invalid_sequence.json", false),
        ("i_string_1st_surrogate_but_2nd_missing.json", false),
        ("i_number_too_big_pos_int.json", true),
        ("i_number_real_neg_overflow.json", false),
        ("i_number_huge_exp.json", false),
        ("i_structure_500_nested_arrays.json", false),
    ] {
        let body = fs::read(folder.join(name)).unwrap();
        assert_eq!(decode(&decoding, None, &body).document.is_ok(), readable, "{name}");
    }
}
