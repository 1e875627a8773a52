//! The connectors for real products: each loads without a word, and its golden cases come out as they say. `upstreams`
//! tries them at the real servers.

use std::path::Path;

use doorward::catalog::files;
use doorward::diagnostic::{Style, render};

use crate::support::loader::loader;

#[tokio::test(flavor = "multi_thread")]
async fn golden_cases_pass() {
    let loader = loader();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/products");
    for outcome in loader.load(&files(&folder).unwrap()).await {
        assert!(outcome.diagnostics.is_empty(), "{}", render(&outcome.diagnostics, Style::Plain));
        let golden = doorward::golden::run(&outcome.live.unwrap(), &loader).await;
        assert!(golden.diagnostics.is_empty(), "{}", render(&golden.diagnostics, Style::Plain));
        assert!(golden.cases >= 5 && golden.passed == golden.cases, "{}: {golden:?}", outcome.id);
    }
}

/// Every one of them is in docs/upstreams.md.
#[test]
fn the_page_names_each() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/upstreams.md")).unwrap();
    for file in files(&root.join("connectors/products")).unwrap() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(page.contains(&format!("(../connectors/products/{name})")), "{name} is not in docs/upstreams.md");
    }
}
