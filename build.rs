//! Embeds the studio's editor where `make editor` has built it; without it the studio has its plain view.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
fn main() {
    // The folder's own files change seldom, and a file that is not there would be looked for in every build.
    println!("cargo::rerun-if-changed=tools/editor");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let bundle = Path::new(&root).join("tools/editor/dist/codemirror.js");
    let made = if bundle.is_file() {
        format!("Some(include_str!({:?}))", bundle.display().to_string())
    } else {
        "None".to_owned()
    };
    let out = Path::new(&std::env::var("OUT_DIR").unwrap_or_default()).join("editor_bundle.rs");
    if let Err(error) = std::fs::write(&out, made) {
        println!("cargo::error=cannot write {}: {error}", out.display());
    }
}
