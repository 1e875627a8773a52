// One connector: its text, what is wrong with it, its send test, and saving it.

import * as api from "./api.js";
import { Cards } from "./cards.js";
import { caseDialog, conflictDialog, discardDialog, historyDialog, nameDialog, proposalDialog, saveDialog } from "./dialogs.js";
import { fieldDialog } from "./field.js";
import { button, el, icon, pill, replace, say } from "./dom.js";
import { choosePlain, hasRich, makeEditor, wantsPlain } from "./editors.js";
import { Graph } from "./graph.js";
import { showProblems } from "./problems.js";
import { SendTest } from "./sendtest.js";
import { counted, fill, text } from "./text.js";

/** A pause in typing. */
const PAUSE = 250;

/** Opens a connector; resolves to a function that says whether it may be left. */
export async function openWorkbench(main, id, line, bar) {
  replace(main, el("p", { class: "centre note" }, text("studio.loading")));
  const kept = JSON.parse(sessionStorage.getItem(`doorward.draft.${id}`) ?? "null");
  // A draft that was never saved has no file to ask for; a save says if there is one by now.
  const reply = kept && kept.etag === null ? { ok: false, status: 404 } : await api.open(id);
  if (!reply.ok && !(reply.status === 404 && kept)) {
    replace(main, el("section", { class: "centre" }, icon("warn"), el("h1", {}, id),
      el("p", {}, reply.status === 404 ? text("studio.unknown") : (reply.data?.detail ?? text("studio.failed"))), el("a", { href: "#/" }, text("studio.connectors"))));
    return async () => true;
  }
  const bench = new Workbench(main, id, reply.ok ? reply.data : { text: "", etag: null, file: `${id}.yaml`, read_only: null });
  bar(null, bench.file.read_only);
  await bench.begin(kept, line);
  return () => bench.mayLeave();
}

class Workbench {
  constructor(main, id, file) {
    [this.main, this.id, this.file, this.checked] = [main, id, file, null];
    this.text = el("section", { class: "pane text", "aria-label": text("studio.editor") });
    this.tools = el("div", { class: "tools" });
    this.cards = new Cards({ text: () => this.editor.value, apply: (edits) => this.editor.apply(edits), go: (range) => this.inText(range), readOnly: Boolean(file.read_only) });
    this.state = el("span", { role: "status" });
    this.dirtyMark = el("span", { class: "pill dirty" }, text("studio.unsaved"));
    this.saveButton = button(text("studio.save"), { look: "primary", sign: "save", title: "Ctrl S", press: () => this.save() });
    this.graph = new Graph({ text: () => this.editor.value, go: (range) => this.inText(range) });
    this.problems = el("div", { class: "problems" });
    this.problemsTitle = el("h2", {}, text("studio.problems"));
    this.changedStrip = el("div", { class: "strip", role: "status", hidden: true });
    this.below = el("section", { class: "below", "aria-labelledby": "problems-title" }, this.problemsTitle, this.problems);
    this.test = new SendTest(id, () => ({ text: this.editor.value, dirty: this.dirty, checked: this.checked }), file.read_only ? {} : {
      pick: (step, path) => this.use(step, path), record: (verdict) => this.recordCase(verdict), propose: () => this.proposeRules(),
    });
  }

  /** The editor that is wanted, with a text in it. */
  async edit(whole) {
    const ask = async (position) => (await api.complete({ id: this.id, text: this.editor.value, position })).data;
    this.editor = await makeEditor(text("studio.editor"), { changed: () => this.changed(), readOnly: Boolean(this.file.read_only), ask });
    this.editor.value = whole;
    const other = hasRich()
      ? button(text(wantsPlain() ? "studio.rich" : "studio.plain"), { look: "quiet compact", press: () => this.otherEditor() })
      : el("span", { class: "note" }, text("studio.plain_only"));
    const views = [["text", "studio.text_view"], ["cards", "studio.cards"], ["graph", "studio.graph"]].map(([name, key]) => button(text(key), { look: "compact view", "aria-pressed": "false", "data-view": name, press: () => this.show(name) }));
    replace(this.tools, el("div", { class: "views", role: "group", "aria-label": text("studio.editor") }, views), el("span", { class: "note" }, text("studio.editor_keys")), el("span", { class: "grow" }), other);
    replace(this.text, this.tools, this.editor.node, this.editor.hint, this.cards.node, this.graph.node, this.below);
    this.show(sessionStorage.getItem("doorward.view") ?? "text");
  }

  /** The text, the cards or the picture; all show the same draft. */
  show(view) {
    sessionStorage.setItem("doorward.view", view);
    [this.editor.node.hidden, this.cards.node.hidden, this.graph.node.hidden] = ["text", "cards", "graph"].map((it) => it !== view);
    this.tools.querySelectorAll(".view").forEach((it) => it.setAttribute("aria-pressed", String(it.dataset.view === view)));
    this.cards.refresh();
    this.graph.refresh();
  }

  inText(range) {
    this.show("text");
    this.editor.go(range);
  }

  async otherEditor() {
    const { caret } = this.editor;
    choosePlain(!wantsPlain());
    await this.edit(this.editor.value);
    this.editor.mark(this.checked?.diagnostics ?? []);
    this.editor.go({ start: caret, end: caret });
  }

  draw() {
    const readOnly = this.file.read_only;
    const tools = readOnly
      ? [el("span", { class: "soft why" }, fill("studio.read_only_why", { why: readOnly })), button(text("studio.copy"), { press: () => navigator.clipboard?.writeText(this.editor.value) })]
      : [button(text("studio.history"), { look: "quiet", press: () => this.history() }), this.saveButton];
    replace(this.main, this.changedStrip,
      el("section", { class: "bench" },
        el("div", { class: "head" },
          el("a", { class: "button quiet compact", href: "#/", title: text("studio.connectors") }, icon("back"), el("span", {}, text("studio.connectors"))),
          el("h1", {}, el("bdi", {}, this.id)), el("span", { class: "soft file mono" }, this.file.file), this.state, this.dirtyMark, el("span", { class: "grow" }), tools),
        el("div", { class: "panes" }, this.text, this.test.node)));
    this.problemsTitle.id = "problems-title";
    this.main.onkeydown = (event) => this.key(event);
    window.onfocus = () => this.look();
    window.onbeforeunload = (event) => { if (this.dirty) event.preventDefault(); };
  }

  async begin(kept, line) {
    await this.edit(kept ? kept.text : this.file.text);
    this.draw();
    if (kept && kept.etag !== this.file.etag && kept.text !== this.file.text) this.changedElsewhere(this.file.text, this.file.etag, kept.etag);
    this.refresh();
    this.check();
    if (line) this.editor.go({ start: { line: line - 1, character: 0 }, end: { line: line - 1, character: 0 } });
  }

  get dirty() {
    return this.editor.value !== this.file.text;
  }

  changed() {
    const draft = { etag: this.file.etag, text: this.editor.value };
    if (this.dirty) sessionStorage.setItem(`doorward.draft.${this.id}`, JSON.stringify(draft));
    else sessionStorage.removeItem(`doorward.draft.${this.id}`);
    this.refresh();
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.check(), PAUSE);
  }

  /** One check is in flight; what was typed meanwhile is checked after it. */
  async check() {
    if (this.checking) {
      this.again = true;
      return;
    }
    this.checking = true;
    try {
      const draft = this.editor.value;
      const { ok, data } = await api.check(this.id, draft);
      if (ok && draft === this.editor.value && this.editor.node.isConnected) {
        this.checked = data;
        this.editor.mark(data.diagnostics);
        this.refresh();
        this.cards.refresh();
        this.graph.refresh();
      }
    } finally {
      this.checking = false;
      if (this.again) {
        this.again = false;
        this.check();
      }
    }
  }

  refresh() {
    const { checked } = this;
    this.dirtyMark.hidden = !this.dirty;
    this.saveButton.disabled = !this.dirty;
    showProblems(this.problems, checked, { go: (range) => this.inText(range), mend: (fix) => this.editor.mend(fix) });
    const count = checked?.diagnostics.length ?? 0;
    replace(this.problemsTitle, text("studio.problems"), count > 0 ? el("span", { class: "count" }, String(count)) : null);
    replace(this.state, checked ? this.summary(checked) : pill("", text("studio.checking")));
    this.test.refresh();
  }

  summary({ loads, diagnostics, tests }) {
    const errors = diagnostics.filter((it) => it.severity === "error").length;
    if (!loads) return pill("bad", counted("studio.state_errors", "studio.state_errors_one", errors));
    if (tests && tests.passed < tests.run) return pill("bad", fill("studio.cases_pass", tests));
    if (diagnostics.length > 0) return pill("warn", counted("studio.state_warnings", "studio.state_warnings_one", diagnostics.length));
    return pill("good", text("studio.state_good"));
  }

  key(event) {
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === "s") {
      event.preventDefault();
      if (!this.file.read_only && this.dirty) this.save();
    } else if (control && event.key === "Enter") {
      event.preventDefault();
      this.test.run("send");
    } else if (event.key === "F8") {
      event.preventDefault();
      this.jump(event.shiftKey ? -1 : 1);
    } else if (control && event.key === ".") {
      event.preventDefault();
      this.mendHere();
    }
  }

  /** The first known fix of what is wrong at the caret, or of what F8 went to last. */
  mendHere() {
    const { line, character } = this.editor.caret;
    const after = (place) => line > place.line || (line === place.line && character >= place.character);
    const mendable = (this.checked?.diagnostics ?? []).filter((it) => it.fixes.length > 0);
    const here = mendable.find(({ range: { start, end } }) => after(start) && !after({ line: end.line, character: end.character + 1 }));
    const found = here ?? mendable.find(({ range }) => range.start.line === line);
    if (!found) return say(text("studio.no_fix"));
    this.editor.mend(found.fixes[0]);
    say(fill("studio.fixed", { text: found.fixes[0].text }));
  }

  jump(step) {
    const places = (this.checked?.diagnostics ?? []).filter((it) => it.range);
    if (places.length === 0) return;
    this.at = ((this.at ?? (step > 0 ? -1 : 0)) + step + places.length) % places.length;
    this.inText(places[this.at].range);
    say(places[this.at].message);
  }

  async save() {
    const draft = this.editor.value;
    if (!(await saveDialog(this.id, this.file.text, draft, this.checked))) return this.editor.focus();
    await this.put(draft, this.file.etag);
  }

  async put(draft, etag) {
    const { ok, status, data } = await api.save(this.id, draft, etag);
    if (ok) {
      Object.assign(this.file, { text: draft, etag: data.etag });
      sessionStorage.removeItem(`doorward.draft.${this.id}`);
      this.changedStrip.hidden = true;
      this.refresh();
      this.check();
      return say(text("studio.saved"));
    }
    if (status === 412) return this.conflict(data.text, data.etag, draft);
    this.strip(data?.detail ?? data?.title ?? text("studio.failed"), "bad");
  }

  /** A field of a reply becomes a part of the text. */
  async use(step, path) {
    let wrong = null;
    for (;;) {
      const wanted = await fieldDialog(step, path, wrong);
      if (!wanted) return;
      const { ok, data } = await api.rule({ id: this.id, text: this.editor.value, step, path, ...wanted });
      if (ok) {
        this.editor.apply(data.edits);
        return say(text("studio.used"));
      }
      wrong = data?.errors?.[0]?.detail ?? data?.detail ?? data?.title ?? text("studio.failed");
    }
  }

  /** An earlier text becomes the draft; nothing is saved by it. */
  async history() {
    const { ok, data } = await api.history(this.id);
    if (!ok) return this.strip(data?.detail ?? data?.title ?? text("studio.failed"), "bad");
    const wanted = await historyDialog(data, this.editor.value, (name) => api.version(this.id, name));
    if (wanted === null) return;
    this.editor.become(wanted);
    say(text("studio.used"));
  }

  /** Rules from marked tests, which are shown first. */
  async proposeRules() {
    const { ok, data } = await api.propose(this.id, this.editor.value);
    if (!ok) return this.strip([data?.detail ?? data?.title ?? text("studio.failed"), ...(data?.diagnostics ?? []).slice(0, 1).map((it) => it.message)].join(" "), "bad", button(text("studio.close"), { look: "compact", press: () => { this.changedStrip.hidden = true; } }));
    if (!(await proposalDialog(data))) return;
    this.editor.apply(data.edits);
    say(text("studio.used"));
  }

  /** The last test becomes a golden case, which is shown first. */
  async recordCase(verdict) {
    const name = await nameDialog(verdict === "accept" ? text("studio.case_right") : text("studio.case_wrong"));
    if (!name) return;
    const { ok, data } = await api.record({ id: this.id, text: this.editor.value, name });
    if (!ok) return this.strip(data?.detail ?? data?.title ?? text("studio.failed"), "bad", button(text("studio.close"), { look: "compact", press: () => { this.changedStrip.hidden = true; } }));
    if (!(await caseDialog(data.case))) return;
    this.editor.apply(data.edits);
    say(text("studio.used"));
  }

  /** The newer text is seen before either is given up. */
  async conflict(theirs, etag, mine) {
    const chosen = await conflictDialog(theirs, mine);
    if (chosen === "mine") await this.put(mine, etag);
    if (chosen === "theirs") this.take(theirs, etag);
  }

  take(whole, etag) {
    Object.assign(this.file, { text: whole, etag });
    sessionStorage.removeItem(`doorward.draft.${this.id}`);
    this.changedStrip.hidden = true;
    this.editor.value = whole;
    this.checked = null;
    this.refresh();
    this.check();
  }

  /** When the window comes back: was the file written elsewhere? */
  async look() {
    if (!this.editor.node.isConnected || !this.file.etag || document.querySelector("dialog[open]")) return;
    const { ok, data } = await api.open(this.id);
    if (!ok || data.etag === this.file.etag) return;
    if (this.dirty) this.changedElsewhere(data.text, data.etag);
    else this.take(data.text, data.etag);
  }

  changedElsewhere(theirs, etag) {
    this.strip(text("studio.changed_elsewhere"), "", button(text("studio.see_difference"), { look: "compact", press: () => this.conflict(theirs, etag, this.editor.value) }));
  }

  strip(message, look, ...more) {
    this.changedStrip.className = `strip ${look}`;
    this.changedStrip.hidden = false;
    replace(this.changedStrip, el("span", {}, message), ...more);
  }

  async mayLeave() {
    if (this.dirty && !(await discardDialog())) return false;
    sessionStorage.removeItem(`doorward.draft.${this.id}`);
    [this.main.onkeydown, window.onfocus, window.onbeforeunload] = [null, null, null];
    return true;
  }
}
