// A textarea with line numbers, colours and marks. The text lives in the textarea; a painted copy lies beneath it.

import { el } from "./dom.js";
import { sentence } from "./problems.js";
import { Suggestions } from "./suggest.js";
import { text } from "./text.js";

/** Beyond it colours cost more than a keystroke may take. */
const MOST_PAINTED = 400_000;

/** About the width of a character, for scrolling sideways. */
const COLUMN = 8;

const TOKEN = /(#.*$)|(\$\{[^}]*\}|\{\{.*?\}\})|("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)|([A-Za-z_$][\w.$-]*)(?=\s*:(?:\s|$))|(?<![\w.-])(-?\d+(?:\.\d+)?|true|false|null)(?![\w.-])|([{}[\],]|^\s*-(?=\s))/gu;
const CLASSES = [null, "comment", "hole", "string", "key", "number", "sign"];

export class Editor {
  constructor(label, { changed, readOnly, ask }) {
    this.changed = changed;
    this.gutter = el("div", { class: "gutter", "aria-hidden": "true" });
    this.paint = el("div", { class: "paint", "aria-hidden": "true" });
    this.area = el("textarea", {
      spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": label,
      "aria-describedby": "editor-hint", readonly: readOnly,
      on: { input: () => this.input(), keydown: (event) => this.key(event), compositionend: () => this.input(), blur: () => this.suggestions.close() },
    });
    this.suggestions = new Suggestions(this, ask);
    this.hint = el("p", { id: "editor-hint", class: "hidden-but-read" }, text("studio.editor_hint"));
    this.node = el("div", { class: "editor" }, this.gutter, el("div", { class: "stack" }, this.paint, this.area), this.suggestions.node);
    this.lines = [];
    this.problems = [];
    this.freed = false;
    this.eol = "\n";
    this.bom = "";
  }

  /** The text as the file has it: a textarea knows LF only, so other line ends are put back. */
  get value() {
    const plain = this.area.value;
    return this.bom + (this.eol === "\n" ? plain : plain.replaceAll("\n", this.eol));
  }

  set value(whole) {
    this.bom = whole.startsWith("\ufeff") ? "\ufeff" : "";
    const body = whole.slice(this.bom.length);
    const ends = body.match(/\r\n|\n/g) ?? [];
    this.eol = ends.length > 0 && ends.every((end) => end === "\r\n") ? "\r\n" : "\n";
    this.mixed = this.eol === "\n" && body.includes("\r");
    this.area.value = body;
    // A browser leaves the caret at the end.
    this.area.setSelectionRange(0, 0);
    this.repaint();
  }

  input() {
    this.repaint();
    this.suggestions.typed();
    this.changed();
  }

  focus() {
    this.area.focus();
  }

  get caret() {
    const before = this.area.value.slice(0, this.area.selectionStart).split("\n");
    return { line: before.length - 1, character: before.at(-1).length + (before.length === 1 ? this.bom.length : 0) };
  }

  suggest() {
    this.suggestions.open();
  }

  key(event) {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return this.suggest();
    }
    // Escape frees Tab for the next press, so that the keyboard can leave.
    if (event.key === "Escape") this.freed = true;
    else if (event.key === "Tab" && !this.freed && !event.ctrlKey && !event.altKey && !this.area.readOnly) {
      event.preventDefault();
      if (event.shiftKey) this.outdent();
      else this.insert("  ");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !this.area.readOnly) {
      const before = this.area.value.slice(0, this.area.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      const indent = /^\s*/.exec(line)[0] + (/[:|]\s*$/.test(line) ? "  " : "");
      event.preventDefault();
      this.insert(`\n${indent}`);
    } else if (event.key !== "Shift") this.freed = false;
  }

  /** By the browser's own editing command, so that undo covers it. */
  insert(what) {
    this.area.focus();
    // An empty text is no insertion for a browser.
    if (!(what === "" ? document.execCommand("delete") : document.execCommand("insertText", false, what))) {
      this.area.setRangeText(what, this.area.selectionStart, this.area.selectionEnd, "end");
      this.input();
    }
  }

  outdent() {
    const start = this.area.value.lastIndexOf("\n", this.area.selectionStart - 1) + 1;
    const spaces = /^ {0,2}/.exec(this.area.value.slice(start))[0].length;
    if (spaces === 0) return;
    const caret = Math.max(start, this.area.selectionStart - spaces);
    this.area.setSelectionRange(start, start + spaces);
    document.execCommand("delete");
    this.area.setSelectionRange(caret, caret);
  }

  offset({ line, character }) {
    let at = this.bom && line === 0 ? -1 : 0;
    for (let n = 0; n < line; n += 1) {
      const end = this.area.value.indexOf("\n", at);
      if (end < 0) return this.area.value.length;
      at = end + 1;
    }
    return Math.min(at + character, this.area.value.length);
  }

  /** Puts the caret at a range and brings it into view. */
  go(range) {
    if (!range) return;
    const start = Math.max(0, this.offset(range.start));
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, Math.max(start, this.offset(range.end)));
    const line = this.paint.children[range.start.line];
    if (!line) return;
    this.node.scrollTop = line.offsetTop - (this.node.clientHeight - line.offsetHeight) / 2;
    const column = Math.min(range.start.character, line.textContent.length) * COLUMN;
    this.node.scrollLeft = column < this.node.clientWidth - 10 * COLUMN ? 0 : column - this.node.clientWidth / 2;
  }

  mend(fix) {
    this.go(fix.range);
    this.insert(fix.text);
  }

  /** Several changes of the same text, each of which undo takes back. */
  apply(edits) {
    // The browser's own command works on what is shown and has the focus.
    const [had, hidden] = [document.activeElement, this.node.hidden];
    this.node.hidden = false;
    const at = (edit) => this.offset(edit.range.start);
    const last = [...edits].sort((a, b) => at(b) - at(a));
    for (const edit of last) {
      this.go(edit.range);
      this.insert(edit.text.replaceAll("\r\n", "\n"));
    }
    this.node.hidden = hidden;
    if (hidden) had?.focus();
  }

  /** Another text, which undo takes back. */
  become(whole) {
    const body = whole.slice(whole.startsWith("\ufeff") ? 1 : 0);
    this.area.focus();
    this.area.select();
    this.insert(body.replaceAll("\r\n", "\n"));
  }

  mark(problems) {
    this.problems = problems;
    this.repaint();
  }

  repaint() {
    const lines = this.area.value.split("\n");
    const plain = this.area.value.length > MOST_PAINTED;
    this.node.classList.toggle("plain", plain);
    if (plain) {
      this.lines = [];
      this.paint.replaceChildren(el("div", { class: "line" }, this.area.value));
      return this.number(lines.length, new Map());
    }
    const marks = byLine(this.problems, lines);
    let block = null;
    const keys = lines.map((line, at) => {
      const indent = /^\s*/.exec(line)[0].length;
      if (block !== null && line.trim() !== "" && indent <= block) block = null;
      const inside = block !== null;
      if (!inside && /(^|[\s:])[|>][+-]?\d?\s*(#.*)?$/.test(line)) block = indent;
      return `${inside ? "b" : "y"}${line}\u0000${JSON.stringify(marks.get(at) ?? 0)}`;
    });
    // Lines that are the same at both ends stay as they are.
    let head = 0;
    while (head < keys.length && head < this.lines.length && keys[head] === this.lines[head]) head += 1;
    let tail = 0;
    while (tail < keys.length - head && tail < this.lines.length - head && keys.at(-1 - tail) === this.lines.at(-1 - tail)) tail += 1;
    for (let n = this.lines.length - tail - 1; n >= head; n -= 1) this.paint.children[n].remove();
    const fresh = [];
    for (let n = head; n < keys.length - tail; n += 1) fresh.push(painted(lines[n], keys[n][0] === "b", marks.get(n) ?? []));
    const next = this.paint.children[head] ?? null;
    fresh.forEach((line) => this.paint.insertBefore(line, next));
    this.lines = keys;
    this.number(lines.length, marks);
  }

  number(count, marks) {
    while (this.gutter.children.length > count) this.gutter.lastChild.remove();
    while (this.gutter.children.length < count) this.gutter.append(el("div", {}, String(this.gutter.children.length + 1)));
    [...this.gutter.children].forEach((line, at) => {
      const found = marks.get(at);
      const worst = found ? (found.some((mark) => mark.severity === "error") ? "error" : "warning") : "";
      if (line.className !== worst) line.className = worst;
    });
  }
}

/** What is marked in each line: from, to, severity, and the sentence at the line where it begins. */
function byLine(problems, lines) {
  const marks = new Map();
  for (const problem of problems) {
    if (!problem.range) continue;
    const { start, end } = problem.range;
    const last = Math.min(end.line, start.line + 20, lines.length - 1);
    for (let line = start.line; line <= last; line += 1) {
      const length = lines[line]?.length ?? 0;
      const from = line === start.line ? Math.min(start.character, length) : 0;
      const to = line === end.line ? Math.min(Math.max(end.character, from + 1), length) : length;
      const said = line === start.line ? sentence(problem) : null;
      marks.set(line, [...(marks.get(line) ?? []), { from, to, severity: problem.severity, said }]);
    }
  }
  return marks;
}

function painted(line, inBlock, marks) {
  const parts = inBlock ? [] : tokens(line);
  if (inBlock) for (const found of line.matchAll(/\{\{.*?\}\}|\$\{[^}]*\}/g)) parts.push({ from: found.index, to: found.index + found[0].length, kind: "hole" });
  const cuts = new Set([0, line.length]);
  for (const { from, to } of [...parts, ...marks]) cuts.add(from).add(to);
  const at = [...cuts].sort((a, b) => a - b);
  const made = el("div", { class: inBlock ? "line block" : "line" });
  for (let n = 0; n + 1 < at.length; n += 1) {
    const [from, to] = [at[n], at[n + 1]];
    const kind = parts.find((part) => part.from <= from && part.to >= to)?.kind ?? "";
    const mark = marks.find((it) => it.from <= from && it.to >= to);
    const piece = line.slice(from, to);
    made.append(kind || mark ? el("span", { class: `${kind} ${mark ? `under-${mark.severity}` : ""}` }, piece) : piece);
  }
  const said = marks.find((mark) => mark.said);
  // An empty line has a height by this.
  made.append("\u200b");
  if (said) made.append(el("span", { class: `beside ${said.severity}` }, said.said));
  return made;
}

function tokens(line) {
  const found = [];
  for (const match of line.matchAll(TOKEN)) {
    const kind = CLASSES[match.slice(1).findIndex((group) => group !== undefined) + 1];
    const isComment = kind !== "comment" || match.index === 0 || /\s/.test(line[match.index - 1]);
    if (isComment) found.push({ from: match.index, to: match.index + match[0].length, kind });
    if (kind === "string") {
      for (const hole of match[0].matchAll(/\{\{.*?\}\}|\$\{[^}]*\}/g)) {
        found.unshift({ from: match.index + hole.index, to: match.index + hole.index + hole[0].length, kind: "hole" });
      }
    }
  }
  return found;
}
