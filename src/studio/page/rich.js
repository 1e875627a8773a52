// The editor made of CodeMirror 6, where the program was built with it (`make editor`). The same members as the plain one.
//
// It stands in a shadow root: its styles are constructed there, so that the page's style-src 'self' is enough.

import { el } from "./dom.js";
import { sentence } from "./problems.js";
import { fill, language, text } from "./text.js";

/** What CodeMirror says itself, in Chinese. */
const PHRASES = {
  Find: "查找", Replace: "替换", next: "下一个", previous: "上一个", all: "全部", "match case": "区分大小写", "by word": "整词", regexp: "正则表达式",
  replace: "替换", "replace all": "全部替换", close: "关闭", "current match": "当前匹配", "on line": "位于行", "replaced $ matches": "已替换 $ 处",
  "replaced match on line $": "已替换第 $ 行的匹配", "Go to line": "转到行", go: "转到", Completions: "补全", Diagnostics: "问题", "No diagnostics": "没有问题",
  "Selection deleted": "已删除选择", "Control character": "控制字符", "Fold line": "折叠", "Unfold line": "展开", "folded code": "已折叠", unfold: "展开", to: "至",
  "Folded lines": "已折叠的行", "Unfolded lines": "已展开的行",
};

export class RichEditor {
  /** `cm` is the bundle; `ask(position)` resolves to what may stand there. */
  constructor(cm, label, { changed, readOnly, ask }) {
    [this.cm, this.label, this.changed, this.readOnly, this.ask] = [cm, label, changed, readOnly, ask];
    this.node = el("div", { class: "editor rich" });
    this.hint = el("p", { id: "editor-hint", class: "hidden-but-read" }, text("studio.editor_hint"));
    this.waiting = null;
    this.beside = beside(cm);
    const root = this.node.attachShadow({ mode: "open" });
    this.view = new cm.EditorView({ state: this.state(""), parent: root, root });
    this.view.contentDOM.addEventListener("compositionend", () => setTimeout(() => this.waiting && this.mark(this.waiting)));
  }

  state(whole) {
    const { cm } = this;
    const ends = whole.match(/\r\n|\n/g) ?? [];
    // What is written must be what was read: other line ends stay as they are.
    const separator = ends.length > 0 && ends.every((end) => end === "\r\n") ? "\r\n" : "\n";
    return cm.EditorState.create({ doc: cm.EditorState.create({ extensions: cm.EditorState.lineSeparator.of(separator) }).toText(whole), extensions: [
      cm.EditorState.lineSeparator.of(separator), cm.EditorView.clipboardInputFilter.of((pasted) => pasted.replace(/\r\n|\r|\n/g, separator)), cm.EditorState.readOnly.of(this.readOnly),
      cm.EditorState.phrases.of(language() === "en" ? {} : PHRASES),
      cm.lineNumbers(), cm.lintGutter(), cm.foldGutter(), cm.highlightSpecialChars(), cm.history(), cm.drawSelection(), cm.indentOnInput(), cm.bracketMatching(), cm.closeBrackets(),
      cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.highlightSelectionMatches(), cm.search({ top: true }), cm.yaml(), cm.indentUnit.of("  "),
      cm.syntaxHighlighting(colours(cm)), holes(cm), this.beside.field, theme(cm),
      cm.autocompletion({ override: [(context) => this.completions(context)], icons: false, maxRenderedOptions: 200 }),
      cm.hoverTooltip((view, at) => this.hover(at)),
      cm.keymap.of([{ key: "Tab", run: cm.indentMore, shift: cm.indentLess }, ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.foldKeymap,
        // Those of the page.
        ...cm.defaultKeymap.filter((it) => it.key !== "Mod-Enter")]),
      cm.EditorView.contentAttributes.of({ "aria-label": this.label, spellcheck: "false", autocapitalize: "off" }),
      cm.EditorView.updateListener.of((update) => { if (update.docChanged && !this.filling) this.changed(); }),
    ] });
  }

  get value() {
    return this.view.state.sliceDoc();
  }

  set value(whole) {
    this.filling = true;
    this.view.setState(this.state(whole));
    this.filling = false;
  }

  get caret() {
    const at = this.view.state.selection.main.head;
    const line = this.view.state.doc.lineAt(at);
    return { line: line.number - 1, character: at - line.from };
  }

  focus() {
    this.view.focus();
  }

  offset({ line, character }) {
    const { doc } = this.view.state;
    const found = doc.line(Math.min(line + 1, doc.lines));
    return Math.min(found.from + character, found.to);
  }

  go(range) {
    if (!range) return;
    const [anchor, head] = [this.offset(range.start), this.offset(range.end)];
    this.view.dispatch({ selection: { anchor, head }, effects: this.cm.EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.view.focus();
  }

  mend(fix) {
    this.apply([{ range: fix.range, text: fix.text }]);
  }

  /** One transaction: one undo takes all of it back. */
  apply(edits) {
    const changes = edits.map((edit) => ({ from: this.offset(edit.range.start), to: this.offset(edit.range.end), insert: this.view.state.toText(edit.text) }));
    const first = Math.min(...changes.map((it) => it.from));
    this.view.dispatch({ changes, selection: { anchor: first }, scrollIntoView: true, userEvent: "input.studio" });
    if (!this.node.hidden) this.view.focus();
  }

  /** Another text, which undo takes back. */
  become(whole) {
    const { state } = this.view;
    this.view.dispatch({ changes: { from: 0, to: state.doc.length, insert: state.toText(whole) }, userEvent: "input.studio" });
    this.view.focus();
  }

  /** What an input method composes must not be disturbed: marks wait for its end. */
  mark(problems) {
    if (this.view.composing) {
      this.waiting = problems;
      return;
    }
    this.waiting = null;
    const placed = problems.filter((it) => it.range).map((it) => {
      const [from, to] = [this.offset(it.range.start), this.offset(it.range.end)];
      const actions = it.fixes.map((fix) => ({ name: fill("studio.fix", { text: fix.text }), apply: () => this.mend(fix) }));
      return { from, to: Math.max(from, to), severity: it.severity, message: sentence(it), actions };
    });
    this.view.dispatch(this.cm.setDiagnostics(this.view.state, placed), { effects: this.beside.set.of(placed) });
  }

  async completions(context) {
    const word = context.matchBefore(/[\w.-]*/);
    const before = context.state.sliceDoc(Math.max(0, word.from - 3), word.from);
    if (!context.explicit && word.from === word.to && !/[{[:|]\s?$|^\s*$/.test(before)) return null;
    const found = await this.ask(this.place(context.pos));
    if (context.aborted || !found || found.options.length === 0) return null;
    const from = this.offset(found.range.start);
    const options = found.options.map((it, at) => ({ label: it.label, detail: it.detail ?? undefined, apply: it.insert ?? it.label, boost: -at / 1000, info: it.about ? () => el("div", {}, it.about) : undefined }));
    return { from, options, validFor: /^[\w.$-]*$/ };
  }

  async hover(at) {
    const found = await this.ask(this.place(at));
    if (!found?.about) return null;
    const [from, to] = [this.offset(found.about.range.start), this.offset(found.about.range.end)];
    if (at < from || at > to) return null;
    return { pos: from, end: to, above: true, create: () => ({ dom: el("div", { class: "about" }, el("strong", {}, found.about.name), " ", found.about.text) }) };
  }

  place(at) {
    const line = this.view.state.doc.lineAt(at);
    return { line: line.number - 1, character: at - line.from };
  }

  suggest() {
    this.view.focus();
    this.cm.startCompletion(this.view);
  }
}

/** The sentence at the end of the line where a problem begins. */
function beside(cm) {
  class Sentence extends cm.WidgetType {
    constructor(problem) {
      super();
      this.problem = problem;
    }
    eq(other) {
      return other.problem.message === this.problem.message && other.problem.severity === this.problem.severity;
    }
    toDOM() {
      return el("span", { class: `beside ${this.problem.severity}`, "aria-hidden": "true" }, this.problem.message);
    }
  }
  const set = cm.StateEffect.define();
  const field = cm.StateField.define({
    create: () => cm.Decoration.none,
    update(marks, transaction) {
      const given = transaction.effects.find((it) => it.is(set));
      if (!given) return marks.map(transaction.changes);
      const lines = new Map();
      for (const problem of given.value) {
        const { to } = transaction.state.doc.lineAt(problem.from);
        if (!lines.has(to)) lines.set(to, problem);
      }
      const made = [...lines].sort(([a], [b]) => a - b).map(([to, problem]) => cm.Decoration.widget({ widget: new Sentence(problem), side: 1 }).range(to));
      return cm.Decoration.set(made);
    },
    provide: (it) => cm.EditorView.decorations.from(it),
  });
  return { set, field };
}

/** `{{…}}` and `${…}`, which YAML does not know. */
function holes(cm) {
  const found = new cm.MatchDecorator({ regexp: /\{\{.*?\}\}|\$\{[^}]*\}/g, decoration: cm.Decoration.mark({ class: "hole" }) });
  return cm.ViewPlugin.define((view) => ({
    decorations: found.createDeco(view),
    update(update) {
      this.decorations = found.updateDeco(update, this.decorations);
    },
  }), { decorations: (it) => it.decorations });
}

function colours(cm) {
  const { tags } = cm;
  return cm.HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
    { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--string)" },
    { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--number)" },
    { tag: tags.comment, color: "var(--comment)", fontStyle: "italic" },
    { tag: [tags.punctuation, tags.separator, tags.bracket, tags.squareBracket, tags.brace, tags.meta], color: "var(--soft)" },
  ]);
}

function theme(cm) {
  const under = (tone) => ({ backgroundImage: "none", textDecoration: `underline wavy var(--${tone})`, textDecorationSkipInk: "none", textUnderlineOffset: "3px", backgroundColor: `var(--${tone}-wash)` });
  const popup = { border: "1px solid var(--line-strong)", borderRadius: "8px", background: "var(--surface)", color: "var(--ink)", overflow: "hidden", boxShadow: "var(--shadow)" };
  return cm.EditorView.theme({
    "&": { height: "100%", width: "100%", background: "var(--surface)", color: "var(--ink)", fontSize: "13.5px" },
    "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "21px", fontVariantLigatures: "none" },
    ".cm-content": { padding: "0.7rem 0", caretColor: "var(--ink)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
    ".cm-gutters": { background: "var(--sunken)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
    ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 5%, transparent)" },
    ".cm-activeLineGutter": { backgroundColor: "var(--accent-wash)", color: "var(--ink)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in srgb, var(--accent) 28%, transparent) !important" },
    ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { background: "var(--accent-wash)", outline: "1px solid var(--accent)" },
    ".cm-selectionMatch": { background: "var(--accent-wash)" },
    ".cm-searchMatch": { background: "var(--warn-wash)", outline: "1px solid var(--warn)" },
    ".cm-lintRange-error": under("bad"),
    ".cm-lintRange-warning": under("warn"),
    ".cm-lint-marker": { width: "0.9em", height: "0.9em" },
    ".cm-tooltip": popup,
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5" },
    ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent)", color: "var(--accent-ink)" },
    ".cm-completionDetail": { marginLeft: "1em", fontStyle: "normal", opacity: "0.8" },
    ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
    ".cm-tooltip.cm-completionInfo, .about, .cm-diagnostic": { padding: "6px 10px", maxWidth: "32rem", font: "13px/1.5 var(--text)", whiteSpace: "normal" },
    ".cm-diagnostic-error": { borderLeft: "4px solid var(--bad)" },
    ".cm-diagnostic-warning": { borderLeft: "4px solid var(--warn)" },
    ".cm-diagnosticAction": { background: "var(--accent)", color: "var(--accent-ink)", borderRadius: "6px", padding: "2px 8px", font: "inherit" },
    ".cm-panels": { background: "var(--sunken)", color: "var(--ink)", borderColor: "var(--line)" },
    ".cm-textfield, .cm-button": { background: "var(--surface)", backgroundImage: "none", border: "1px solid var(--line-strong)", color: "var(--ink)", borderRadius: "6px", fontSize: "13px" },
    ".cm-foldPlaceholder": { background: "var(--accent-wash)", color: "var(--ink)", border: "1px solid var(--line-strong)" },
    ".cm-specialChar": { color: "var(--bad)" },
    ".hole, .hole span": { color: "var(--hole)", fontWeight: "600" },
    ".beside": { marginLeft: "1.5rem", padding: "0 0.5rem", borderRadius: "5px", font: "12.5px/19px var(--text)", display: "inline-block", maxWidth: "36rem", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", verticalAlign: "top", fontStyle: "normal" },
    ".beside.error": { color: "var(--bad)", background: "var(--bad-wash)" },
    ".beside.warning": { color: "var(--warn)", background: "var(--warn-wash)" },
  });
}
