// A new connector: of a form of a login call, or of a request that somebody has: curl, Postman, HAR, OpenAPI.

import { importText } from "./api.js";
import { ask } from "./dialogs.js";
import { el, field, replace } from "./dom.js";
import { starter } from "./starter.js";
import { fill, text, word } from "./text.js";

/** The importer's own bound. */
const MOST = 16 << 20;
const ROLES = ["username", "password", "password|md5", "password|md5|upper", "password|md5|md5", "password|md5|sha1", "password|sha1", "password|sha256", "password|sm3", "password|base64", "secret", "attribute", "time", "time_ms", "nonce", "literal"];

/** Asks for the id of a new connector and opens it. */
export async function newDialog(existing) {
  const id = el("input", { type: "text", autofocus: true, pattern: "[a-z0-9-]{1,64}", placeholder: "corp-4a", spellcheck: "false", autocapitalize: "off" });
  const address = el("input", { type: "url", placeholder: "https://4a.corp.example.com", spellcheck: "false" });
  const command = el("textarea", { class: "paste", rows: "4", spellcheck: "false", placeholder: "curl 'https://4a.corp.example.com/login' --data …" });
  const file = el("input", { type: "file", accept: ".json,.har,.yaml,.yml,.txt,application/json", on: { change: () => chosen(file, command, wrong) } });
  const wrong = el("p", { class: "note bad", role: "alert" });
  for (;;) {
    const made = await ask(text("studio.new"), [field(text("studio.new_id"), id, text("studio.new_id_note")), field(text("studio.new_address"), address), field(text("studio.new_command"), command, text("studio.new_command_note")), field(text("studio.new_file"), file, text("studio.new_file_note")), wrong],
      [{ label: text("studio.create"), look: "primary", value: () => id.value.trim() }]);
    if (made === null) return;
    if (!/^[a-z0-9-]{1,64}$/.test(made)) wrong.textContent = text("studio.new_id_note");
    else if (existing.some((it) => it.id === made)) wrong.textContent = text("studio.new_exists");
    else {
      const pasted = command.dataset.whole ?? command.value;
      const draft = pasted.trim() === "" ? starter(address.value.trim()) : await review(pasted, wrong);
      if (draft !== null) {
        sessionStorage.setItem(`doorward.draft.${made}`, JSON.stringify({ etag: null, text: draft }));
        location.hash = `#/c/${made}`;
        return;
      }
    }
  }
}

/** A file's text; a large one is not shown, and a HAR loses what a login does not need. */
async function chosen(file, command, wrong) {
  const [given] = file.files;
  delete command.dataset.whole;
  command.disabled = false;
  if (!given) return;
  const whole = slim(await given.text());
  if (whole.length > MOST) {
    wrong.textContent = text("studio.too_large");
    return;
  }
  command.value = fill("studio.from_file", { name: given.name });
  command.dataset.whole = whole;
  command.disabled = true;
}

/** Pictures, styles and scripts of a HAR are dropped before anything is sent. */
function slim(whole) {
  if (!whole.includes('"entries"')) return whole;
  try {
    const har = JSON.parse(whole.replace(/^\ufeff/, ""));
    for (const entry of har.log.entries) {
      const { content } = entry.response ?? {};
      if (content && /^(image|font|video|audio)\/|css|javascript|wasm|octet/.test(content.mimeType ?? "")) delete content.text;
      for (const key of ["_initiator", "timings", "cache", "_webSocketMessages"]) delete entry[key];
    }
    return JSON.stringify(har);
  } catch {
    return whole;
  }
}

/** What became of each value; resolves to the text of the connector, or to null. */
async function review(pasted, wrong) {
  let [at, roles] = [0, []];
  const again = () => { roles = []; load(); };
  const username = el("input", { type: "text", autocomplete: "off", spellcheck: "false", on: { change: again } });
  const password = el("input", { type: "password", autocomplete: "new-password", on: { change: again } });
  const content = el("div", { class: "review" });
  let imported = null;
  const load = async () => {
    const known = { ...(username.value && { username: username.value }), ...(password.value && { password: password.value }) };
    const { ok, data } = await importText(pasted, { at, roles, ...known });
    wrong.textContent = ok ? "" : (data?.detail ?? data?.title ?? text("studio.failed"));
    if (!ok) return false;
    imported = data;
    draw();
    return true;
  };
  const draw = () => {
    const chooser = el("select", { on: { change: () => { [at, roles] = [Number(chooser.value), []]; load(); } } },
      imported.candidates.map((it, n) => el("option", { value: n, selected: n === imported.at }, `${it.name} · ${it.method} ${it.address}`)));
    replace(content,
      imported.candidates.length > 1 && field(text("studio.import_request"), chooser, text("studio.import_request_note")),
      !imported.complete && el("p", { class: "notice warn", role: "status" }, text("studio.import_incomplete")),
      el("div", { class: "table", tabindex: "0", role: "region", "aria-label": text("studio.import_values") }, el("table", {},
        el("thead", {}, el("tr", {}, ["studio.import_place", "studio.import_name", "studio.import_value", "studio.import_role", "studio.import_why"].map((it) => el("th", { scope: "col" }, text(it))))),
        el("tbody", {}, imported.rows.map(row)))),
      imported.notes.length > 0 && el("div", { class: "notice" }, el("p", {}, text("studio.import_notes")), el("ul", { class: "grown" }, imported.notes.map((it) => el("li", {}, it)))));
  };
  const row = (it, n) => {
    const known = ROLES.includes(it.role) ? ROLES : [it.role, ...ROLES];
    const role = el("select", { "aria-label": fill("studio.import_role_of", { name: it.name }), on: { change: () => { roles = imported.rows.map((other, m) => (m === n ? role.value : (roles[m] ?? null))); load(); } } },
      known.map((name) => el("option", { value: name, selected: name === it.role }, roleName(name))));
    return el("tr", {}, el("td", { class: "soft" }, word("place", it.place)), el("td", { class: "mono" }, el("bdi", {}, it.name)), el("td", { class: "mono value" }, el("bdi", {}, it.value)), el("td", {}, role), el("td", { class: "soft" }, word("why", it.why)));
  };
  if (!(await load())) return null;
  const wanted = await ask(text("studio.import_review"), [el("p", {}, text("studio.import_review_note")), el("div", { class: "side-by-side" }, field(text("studio.import_username"), username), field(text("studio.import_password"), password)), el("p", { class: "note" }, text("studio.import_known_note")), content], [{ label: text("studio.create"), look: "primary", value: () => imported.text }], { wide: true });
  return wanted;
}

function roleName(role) {
  const [name, ...filters] = role.split("|");
  const said = word("role", name);
  return filters.length > 0 ? `${said} | ${filters.join(" | ")}` : said;
}
