// The steps as forms, in the vendor's order and words. A form shows the text and changes it; it holds nothing of its own.

import * as api from "./api.js";
import { button, el, icon, replace, say } from "./dom.js";
import { fill, find, text, word } from "./text.js";

export class Cards {
  /** `hooks`: `text()`, `apply(edits)`, `go(range)`, `readOnly`. */
  constructor(hooks) {
    this.hooks = hooks;
    this.node = el("div", { class: "cards" });
    this.open = new Set(["step", "script", "request", "judge", "returns"].map((it) => `0.${it}`));
  }

  /** Shows the present text; what has the focus keeps it. */
  async refresh() {
    if (this.node.hidden) return;
    const draft = this.hooks.text();
    const { ok, data } = await api.cards(draft);
    if (draft !== this.hooks.text()) return;
    this.node.classList.toggle("stale", !ok);
    if (!ok) return this.notice(text("studio.cards_broken"));
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.path : null;
    const steps = data.steps.map((step, at) => el("section", { class: "step", "aria-label": step.name },
      el("h2", {}, fill("studio.step_n", { n: at + 1 }), " ", el("code", {}, step.name), el("span", { class: "grow" }), this.jump(step.range)),
      step.cards.map((card) => this.card(card, `${at}.${card.title}`))));
    replace(this.node, steps, data.connector.map((card) => this.card(card, card.title)), this.note = el("p", { class: "notice bad", role: "alert", hidden: true }));
    if (focused) this.node.querySelector(`[data-path="${CSS.escape(focused)}"]`)?.focus();
  }

  notice(message) {
    if (!this.note?.isConnected) replace(this.node, this.note = el("p", { class: "notice bad", role: "alert" }));
    this.note.hidden = false;
    this.note.textContent = message;
  }

  jump(range) {
    return range && button(text("studio.in_text"), { look: "quiet compact", press: () => this.hooks.go(range) });
  }

  card(card, key) {
    const shown = card.fields.filter((it) => it.value !== null);
    const absent = card.fields.filter((it) => it.value === null);
    const summary = el("summary", {}, el("span", {}, word("card", card.title)), shown.length === 0 && el("span", { class: "soft" }, ` ${text("studio.card_empty")}`));
    return el("details", { class: "card", open: this.open.has(key), on: { toggle: (event) => this.open[event.target.open ? "add" : "delete"](key) } }, summary,
      shown.map((it) => this.field(it)), absent.length > 0 && !this.hooks.readOnly && this.adder(absent));
  }

  /** A field that is not there is added by its name. */
  adder(absent) {
    const list = el("select", { "aria-label": text("studio.add_field") }, el("option", { value: "" }, text("studio.add_field")), absent.map((it, at) => el("option", { value: at }, label(it))));
    const made = el("div", { class: "adder" }, list);
    list.addEventListener("change", () => {
      if (list.value !== "") made.replaceChildren(list, this.field(absent[Number(list.value)]));
      made.querySelector("input, select:not(:first-child)")?.focus();
    });
    return made;
  }

  field(it) {
    const body = { table: () => this.table(it), list: () => this.list(it), lines: () => this.lines(it) }[it.shape]?.() ?? this.input(it);
    const id = `card-${it.path.join("-")}`;
    if (it.shape === "table" || it.shape === "list" || it.shape === "lines") {
      return el("div", { class: "field", role: "group", "aria-labelledby": id }, el("span", { class: "label" }, el("span", { id }, label(it)), key(it), this.remover(it)), body);
    }
    body.id = id;
    return el("div", { class: "field" }, el("span", { class: "label" }, el("label", { for: id }, label(it)), key(it), this.remover(it)), body);
  }

  remover(it) {
    if (it.value === null || this.hooks.readOnly || it.label === "name") return null;
    return el("button", { type: "button", class: "remove", "aria-label": fill("studio.remove", { name: it.label || it.path.at(-1) }), title: text("studio.remove_title"), on: { click: () => this.change(it.path, "remove") } }, icon("bad"));
  }

  input(it, more = {}) {
    const common = { "data-path": it.path.join("."), disabled: this.hooks.readOnly, ...more };
    if (it.shape === "choice") {
      const words = it.value !== null && !it.words.includes(it.value) ? [it.value, ...it.words] : it.words;
      return el("select", { ...common, on: { change: (event) => this.change(it.path, event.target.value === "" ? "remove" : "set", event.target.value) } },
        el("option", { value: "", selected: it.value === null }, "–"), words.map((word) => el("option", { value: word, selected: word === it.value }, word)));
    }
    const change = it.shape === "yaml" ? "yaml" : "set";
    return el("input", { ...common, type: "text", value: it.value ?? "", class: "mono", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      on: { change: (event) => this.change(it.path, change, event.target.value), keydown: (event) => { if (event.key === "Enter" && !event.isComposing) event.target.blur(); } } });
  }

  lines(it) {
    return el("div", { class: "lines" }, el("pre", { tabindex: "0" }, it.value), this.jump(it.range));
  }

  table(it) {
    const rows = it.rows.map((row) => el("div", { class: "row" },
      el("input", { type: "text", class: "mono", value: row.path.at(-1), disabled: this.hooks.readOnly, "aria-label": text("studio.row_name"), "data-path": `${row.path.join(".")}.`, spellcheck: "false", on: { change: (event) => this.change(row.path, "rename", event.target.value.trim()) } }),
      row.shape === "lines" || row.shape === "table" || row.shape === "list" ? this.lines(row) : this.input(row, { "aria-label": fill("studio.row_value", { name: row.path.at(-1) }) }),
      this.remover(row)));
    return el("div", { class: "rows" }, rows, !this.hooks.readOnly && this.newRow(it));
  }

  newRow(it) {
    const name = el("input", { type: "text", class: "mono", placeholder: text("studio.row_name"), "aria-label": fill("studio.new_row_name", { name: label(it) }), spellcheck: "false" });
    const value = el("input", { type: "text", class: "mono", placeholder: text("studio.value"), "aria-label": fill("studio.new_row_value", { name: label(it) }), spellcheck: "false" });
    const add = () => name.value.trim() !== "" && this.change([...it.path, name.value.trim()], "set", value.value);
    const enter = (event) => { if (event.key === "Enter" && !event.isComposing) add(); };
    name.addEventListener("keydown", enter);
    value.addEventListener("keydown", enter);
    return el("div", { class: "row" }, name, value, button(text("studio.add"), { look: "compact", sign: "plus", press: add }));
  }

  list(it) {
    const rows = it.rows.map((row) => el("div", { class: "row one" }, row.shape === "lines" ? this.lines(row) : this.input(row, { "aria-label": fill("studio.row_n", { name: label(it), n: row.path.at(-1) + 1 }) }), this.remover(row)));
    const fresh = el("input", { type: "text", class: "mono", placeholder: "{ when: { field: code, equals: 500 }, reason: invalid_credentials }", "aria-label": fill("studio.new_row_value", { name: label(it) }), spellcheck: "false" });
    const add = () => fresh.value.trim() !== "" && this.change(it.path, "add", fresh.value.trim());
    fresh.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) add(); });
    return el("div", { class: "rows" }, rows, !this.hooks.readOnly && el("div", { class: "row one" }, fresh, button(text("studio.add"), { look: "compact", sign: "plus", press: add })));
  }

  async change(path, change, value = "") {
    const { ok, data } = await api.edit({ text: this.hooks.text(), path, change, value });
    if (!ok) return this.notice(data?.errors?.[0]?.detail ?? data?.detail ?? data?.title ?? text("studio.failed"));
    this.hooks.apply(data.edits);
    await this.refresh();
    say(text("studio.used"));
  }
}

/** In the vendor's words, or else the key. */
function label(it) {
  return find(`field.${it.label}`) ?? it.label;
}

/** The key, where the words do not say it already. */
function key(it) {
  const name = it.label.replace(/^body_/, "");
  return find(`field.${it.label}`) === null || label(it).toLowerCase() === name ? null : el("code", {}, name);
}
