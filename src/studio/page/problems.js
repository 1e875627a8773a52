// Mistakes of a text, in words: in Chinese the title and the remedy of the kind stand around the English sentence, which
// names what is in the file.

import { button, el, icon, replace } from "./dom.js";
import { fill, find, language, text } from "./text.js";

/** `12:5`, lines and characters from 1. */
export function place(problem) {
  return problem.range ? `${problem.range.start.line + 1}:${problem.range.start.character + 1}` : "";
}

/** What is wrong, in one line. */
export function sentence(problem) {
  const title = language() === "en" ? null : find(`diagnostic.${problem.code}.title`);
  return title ? `${title}：${problem.message}` : problem.message;
}

function remedies(problem) {
  const general = language() === "en" ? null : find(`diagnostic.${problem.code}.remedy`);
  return [...problem.help, ...(general ? [general] : [])];
}

/** The list below the editor. `go(range)` moves the caret, `mend(fix)` changes the text. */
export function showProblems(node, checked, { go, mend }) {
  if (!checked) return replace(node, el("p", { class: "note" }, text("studio.checking")));
  const { diagnostics, tests } = checked;
  if (diagnostics.length === 0) {
    const cases = tests && tests.run > 0 ? fill("studio.cases_pass", { passed: tests.passed, run: tests.run }) : text("studio.no_cases");
    return replace(node, el("p", { class: "all-good" }, icon("good"), el("span", {}, text("studio.no_problems")), el("span", { class: "soft" }, cases)));
  }
  replace(node, el("ul", {}, diagnostics.map((problem) => item(problem, go, mend))));
}

function item(problem, go, mend) {
  const head = el("button", { type: "button", class: "jump", on: { click: () => go(problem.range) } },
    icon(problem.severity === "error" ? "bad" : "warn"),
    el("span", { class: "where" }, place(problem)),
    el("span", {}, sentence(problem), problem.label && el("span", { class: "soft" }, ` — ${problem.label}`)));
  const help = remedies(problem).map((line) => el("p", { class: "help" }, line));
  const fixes = problem.fixes.map((fix) => button(fill("studio.fix", { text: fix.text }), { look: "compact", press: () => mend(fix) }));
  return el("li", { class: problem.severity }, head, help, fixes.length > 0 && el("div", { class: "fixes" }, fixes));
}
