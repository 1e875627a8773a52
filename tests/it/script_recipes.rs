//! The recipes of docs/scripts.md, each with the input and the outcome that stand beside it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use crate::support::script::{call, numbered, pool, preprocess, shown, variables, worker};

const PAGE: &str = include_str!("../../docs/scripts.md");

struct Recipe {
    title: &'static str,
    script: &'static str,
    input: &'static str,
    outcome: Value,
}

/// The three code blocks of every section below "Recipes".
fn recipes() -> Vec<Recipe> {
    let (_, page) = PAGE.split_once("\n## Recipes\n").unwrap();
    let section = |text: &'static str| {
        let (title, text) = text.split_once('\n').unwrap();
        let mut blocks = text.split("```").skip(1).step_by(2);
        let mut next = |language: &str| blocks.next().unwrap().strip_prefix(language).unwrap();
        let (script, input, outcome) = (next("js\n"), next("json\n"), next("json\n"));
        Recipe { title, script, input, outcome: serde_json::from_str(outcome).unwrap() }
    };
    page.split("\n### ").skip(1).map(section).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recipe_does_what_the_page_says() {
    let recipes = recipes();
    assert_eq!(recipes.len(), 10);
    let sources: Vec<_> =
        recipes
            .iter()
            .map(|recipe| {
                if recipe.input.contains("\"response\"") { preprocess(recipe.script) } else { variables(recipe.script) }
            })
            .collect();
    for (answer, recipe) in doorward::script::inspect(&worker(), &numbered(sources.clone())).into_iter().zip(&recipes) {
        assert!(answer.is_ok(), "{}: {answer:?}", recipe.title);
    }
    let pool = pool(sources).await;
    for (id, recipe) in (0..).zip(&recipes) {
        let outcome = shown(call(&pool, id, recipe.input).await);
        let outcome = match outcome.strip_prefix("rejected: ") {
            Some(message) => serde_json::json!({ "rejected": message }),
            None => serde_json::from_str(&outcome).unwrap_or(Value::String(outcome)),
        };
        assert_eq!(outcome, recipe.outcome, "{}", recipe.title);
    }
}
