// What may be written at the caret of the plain view: a list that Ctrl Space opens.

import { el, replace, say } from "./dom.js";
import { text } from "./text.js";

/** More than a person looks through; typing narrows the list. */
const MOST = 50;

export class Suggestions {
  /** `ask(position)` resolves to `{ range, options }`. */
  constructor(editor, ask) {
    [this.editor, this.ask, this.options, this.at] = [editor, ask, [], 0];
    this.node = el("ul", { class: "suggestions", role: "listbox", id: "suggestions", "aria-label": text("studio.suggestions"), hidden: true });
  }

  get isOpen() {
    return !this.node.hidden;
  }

  async open() {
    const { caret } = this.editor;
    const found = await this.ask(caret);
    const now = this.editor.caret;
    if (now.line !== caret.line || now.character !== caret.character) return;
    const { area } = this.editor;
    const begin = found ? this.editor.offset(found.range.start) : 0;
    const word = area.value.slice(begin, area.selectionStart).toLowerCase();
    const fits = (it) => it.label.toLowerCase().includes(word);
    const starts = (it) => Number(!it.label.toLowerCase().startsWith(word));
    this.options = (found?.options ?? []).filter(fits).sort((a, b) => starts(a) - starts(b)).slice(0, MOST);
    this.range = found?.range;
    if (this.options.length === 0) {
      this.close();
      return say(text("studio.no_suggestions"));
    }
    this.at = 0;
    replace(this.node, this.options.map((it, at) => el("li", { role: "option", id: `suggestion-${at}`, on: { mousedown: (event) => { event.preventDefault(); this.take(at); } } },
      el("span", { class: "mono" }, it.label), it.detail && el("span", { class: "soft mono" }, ` ${it.detail}`), it.about && el("span", { class: "soft about" }, it.about))));
    this.node.hidden = false;
    area.setAttribute("aria-controls", "suggestions");
    this.place();
    this.choose(0);
  }

  /** Below the caret, as far as there is room. */
  place() {
    const { line, character } = this.editor.caret;
    const row = this.editor.paint.children[line];
    if (!row) return;
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    let left = Math.max(0, character - (line === 0 ? this.editor.bom.length : 0));
    let node = walker.nextNode();
    while (node && left > node.length) {
      left -= node.length;
      node = walker.nextNode();
    }
    const range = document.createRange();
    if (node) range.setStart(node, Math.min(left, node.length));
    const [caret, own] = [(node ? range : row).getBoundingClientRect(), this.editor.node.getBoundingClientRect()];
    this.node.style.left = `${Math.max(0, caret.left - own.left + this.editor.node.scrollLeft)}px`;
    this.node.style.top = `${row.offsetTop + row.offsetHeight}px`;
    this.node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  choose(at) {
    this.at = (at + this.options.length) % this.options.length;
    [...this.node.children].forEach((it, n) => it.setAttribute("aria-selected", String(n === this.at)));
    this.node.children[this.at].scrollIntoView({ block: "nearest" });
    this.editor.area.setAttribute("aria-activedescendant", `suggestion-${this.at}`);
  }

  take(at) {
    const option = this.options[at];
    const { area } = this.editor;
    this.close();
    area.setSelectionRange(this.editor.offset(this.range.start), area.selectionStart);
    this.editor.insert(option.insert ?? option.label);
  }

  /** Whether the key was meant for the list. */
  key(event) {
    if (!this.isOpen) return false;
    const does = { ArrowDown: () => this.choose(this.at + 1), ArrowUp: () => this.choose(this.at - 1), Enter: () => this.take(this.at), Tab: () => this.take(this.at), Escape: () => this.close() }[event.key];
    if (!does) return false;
    event.preventDefault();
    event.stopPropagation();
    does();
    return true;
  }

  typed() {
    if (this.isOpen) this.open();
  }

  close() {
    this.node.hidden = true;
    this.options = [];
    this.editor.area?.removeAttribute("aria-activedescendant");
    this.editor.area?.removeAttribute("aria-controls");
  }
}
