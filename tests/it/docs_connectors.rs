//! docs/connectors.md and docs/flows.md: every example loads without a word, and its golden cases come out as they say.

use std::path::Path;

use doorward::diagnostic::{Style, render};

use crate::support::loader::loader;

/// The YAML blocks of the pages, in order.
fn examples() -> Vec<String> {
    let page = |name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap();
    let pages = [page("connectors.md"), page("flows.md")];
    let blocks = |page: &String| -> Vec<String> {
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    };
    pages.iter().flat_map(blocks).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_loads_and_its_cases_pass() {
    let folder = tempfile::tempdir().unwrap();
    let loader = loader();
    let examples = examples();
    assert!(examples.len() >= 4);
    for (index, example) in examples.iter().enumerate() {
        let path = folder.path().join(format!("example-{index}.yaml"));
        std::fs::write(&path, example).unwrap();
        let outcome = loader.load(&[path]).await.pop().unwrap();
        assert!(outcome.diagnostics.is_empty(), "{}", render(&outcome.diagnostics, Style::Plain));
        let golden = doorward::golden::run(&outcome.live.unwrap(), &loader).await;
        assert_eq!(golden.passed, golden.cases, "{}", render(&golden.diagnostics, Style::Plain));
        assert!(golden.cases > 0, "example {index} shows no case");
    }
}
