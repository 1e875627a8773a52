// Questions that stand above the page.

import { button, el, field } from "./dom.js";
import { diffTable } from "./diff.js";
import { counted, fill, language, text, word } from "./text.js";

/** Shows a dialog; resolves to the value of the button that closed it, or null. */
export function ask(title, content, buttons, { wide = false } = {}) {
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const made = buttons.map(({ label, look = "", value, sign = null }) => button(label, { look, sign, press: () => close(typeof value === "function" ? value() : value) }));
    const dialog = el("dialog", { class: wide ? "wide" : "", "aria-label": title, on: { cancel: (event) => { event.preventDefault(); close(null); } } },
      el("h2", {}, title), el("div", { class: "content" }, content),
      el("div", { class: "buttons" }, button(text("studio.cancel"), { look: "quiet", press: () => close(null) }), made));
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? made.at(-1))?.focus();
  });
}

export function keysDialog() {
  const keys = [["Ctrl S", "studio.key_save"], ["Ctrl Enter", "studio.key_send"], ["F8", "studio.key_next"], ["Shift F8", "studio.key_previous"], ["Ctrl .", "studio.key_fix"], ["Ctrl Space", "studio.key_suggest"],
    ["Esc, Tab", "studio.key_leave"], ["/", "studio.key_filter"], ["?", "studio.key_help"]];
  const list = el("dl", { class: "keys" }, keys.flatMap(([key, what]) => [el("dt", {}, key.split(" ").map((it) => [el("kbd", {}, it), " "])), el("dd", {}, text(what))]));
  return ask(text("studio.keys"), list, []);
}

export function grownList(grown) {
  return el("ul", { class: "grown" }, grown.map((it) => el("li", {}, el("code", {}, it.key), " ", el("bdi", { class: "mono" }, it.value))));
}

/** What a save changes; true when it is wanted. */
export async function saveDialog(id, before, after, checked) {
  const errors = checked ? checked.diagnostics.filter((it) => it.severity === "error").length : 0;
  const notes = [];
  if (errors > 0) notes.push(el("p", { class: "notice bad" }, counted("studio.save_errors", "studio.save_errors_one", errors)));
  if (checked && checked.grown.length > 0) notes.push(el("div", { class: "notice warn" }, el("p", {}, text("studio.save_grown")), grownList(checked.grown)));
  const buttons = [{ label: text("studio.save"), look: "primary", sign: "save", value: true }];
  return (await ask(fill("studio.save_title", { id }), [...notes, diffTable(before, after)], buttons, { wide: true })) === true;
}

/** Somebody else has written the file: "theirs", "mine" or null. */
export function conflictDialog(theirs, mine) {
  const gone = theirs === null;
  const content = [el("p", { class: "notice warn" }, text(gone ? "studio.conflict_gone" : "studio.conflict_why")), diffTable(theirs ?? "", mine)];
  const buttons = [{ label: text("studio.keep_mine"), value: "mine" }];
  if (!gone) buttons.push({ label: text("studio.take_theirs"), look: "primary", value: "theirs" });
  return ask(text("studio.conflict"), content, buttons, { wide: true });
}

/** The name of a golden case, or null. */
export async function nameDialog(usual) {
  const name = el("input", { type: "text", value: usual, autofocus: true });
  return ask(text("studio.record"), field(text("studio.case_name"), name), [{ label: text("studio.next"), look: "primary", value: () => name.value.trim() }]);
}

/** A golden case before it is inserted. */
export async function caseDialog(lines) {
  const content = [el("p", {}, text("studio.case_note")), el("pre", { class: "case", tabindex: "0" }, lines)];
  return (await ask(text("studio.record"), content, [{ label: text("studio.insert"), look: "primary", value: true }], { wide: true })) === true;
}

/** Proposed rules, and what nobody has tried. */
export async function proposalDialog({ step, success, reject, untried }) {
  const content = [el("p", {}, text("studio.proposal_note")), el("pre", { class: "case", tabindex: "0" }, [`# ${step}`, "reject:", ...reject.map((it) => `  - ${it}`), `success: ${success}`].join("\n")),
    el("div", { class: "notice warn" }, el("p", {}, text("studio.proposal_untried")), el("ul", { class: "grown" }, untried.map((it) => el("li", {}, word("reason", it)))))];
  return (await ask(text("studio.propose"), content, [{ label: text("studio.insert"), look: "primary", value: true }], { wide: true })) === true;
}

/** Earlier texts against the present one; resolves to the one that is wanted as a draft, or null. */
export async function historyDialog({ kept, versions }, present, read) {
  if (versions.length === 0) {
    await ask(text("studio.history"), el("p", {}, text(kept ? "studio.history_empty" : "studio.history_none")), []);
    return null;
  }
  const at = (it) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium" }).format(new Date(it.time * 1000));
  const list = el("select", {}, versions.map((it, n) => el("option", { value: n }, at(it))));
  const difference = el("div");
  let chosen = null;
  const show = async () => {
    const { ok, data } = await read(versions[Number(list.value)].version);
    chosen = ok ? data.text : null;
    difference.replaceChildren(ok ? diffTable(present, chosen) : el("p", { class: "notice bad" }, text("studio.failed")));
  };
  list.addEventListener("change", show);
  await show();
  const wanted = await ask(text("studio.history"), [field(text("studio.history_version"), list, text("studio.history_note")), difference], [{ label: text("studio.history_take"), look: "primary", value: true }], { wide: true });
  return wanted === true ? chosen : null;
}

export async function discardDialog() {
  const content = el("p", {}, text("studio.leave_why"));
  return (await ask(text("studio.leave"), content, [{ label: text("studio.leave_anyway"), look: "primary", value: true }])) === true;
}
