// Questions that stand above the page.

import { importCommand } from "./api.js";
import { button, el, field } from "./dom.js";
import { diffTable } from "./diff.js";
import { starter } from "./starter.js";
import { counted, fill, text } from "./text.js";

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
  const keys = [["Ctrl S", "studio.key_save"], ["Ctrl Enter", "studio.key_send"], ["F8", "studio.key_next"], ["Shift F8", "studio.key_previous"],
    ["Esc, Tab", "studio.key_leave"], ["/", "studio.key_filter"], ["?", "studio.key_help"]];
  const list = el("dl", { class: "keys" }, keys.flatMap(([key, what]) => [el("dt", {}, key.split(" ").map((it) => [el("kbd", {}, it), " "])), el("dd", {}, text(what))]));
  return ask(text("studio.keys"), list, []);
}

/** Asks for the id of a new connector and opens it. */
export async function newDialog(existing) {
  const id = el("input", { type: "text", autofocus: true, pattern: "[a-z0-9-]{1,64}", placeholder: "corp-4a", spellcheck: "false", autocapitalize: "off" });
  const address = el("input", { type: "url", placeholder: "https://4a.corp.example.com", spellcheck: "false" });
  const command = el("textarea", { class: "paste", rows: "4", spellcheck: "false", placeholder: "curl 'https://4a.corp.example.com/login' --data …" });
  const wrong = el("p", { class: "note bad", role: "alert" });
  for (;;) {
    const made = await ask(text("studio.new"), [field(text("studio.new_id"), id, text("studio.new_id_note")), field(text("studio.new_address"), address), field(text("studio.new_command"), command, text("studio.new_command_note")), wrong],
      [{ label: text("studio.create"), look: "primary", value: () => id.value.trim() }]);
    if (made === null) return;
    if (!/^[a-z0-9-]{1,64}$/.test(made)) wrong.textContent = text("studio.new_id_note");
    else if (existing.some((it) => it.id === made)) wrong.textContent = text("studio.new_exists");
    else {
      const draft = command.value.trim() === "" ? starter(address.value.trim()) : await imported(command.value, wrong);
      if (draft !== null) {
        sessionStorage.setItem(`doorward.draft.${made}`, JSON.stringify({ etag: null, text: draft }));
        location.hash = `#/c/${made}`;
        return;
      }
    }
  }
}

/** The text of a connector for a command, or null and why. */
async function imported(command, wrong) {
  const { ok, data } = await importCommand(command);
  wrong.textContent = ok ? "" : (data?.detail ?? data?.title ?? text("studio.failed"));
  return ok ? data.text : null;
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

export async function discardDialog() {
  const content = el("p", {}, text("studio.leave_why"));
  return (await ask(text("studio.leave"), content, [{ label: text("studio.leave_anyway"), look: "primary", value: true }])) === true;
}
