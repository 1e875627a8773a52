// The page: signs in by the link's fragment, then shows the list or one connector, as the address says (#/ or #/c/ID).

import * as api from "./api.js";
import { button, el, icon, replace } from "./dom.js";
import { keysDialog } from "./dialogs.js";
import { showList } from "./list.js";
import { LANGS, language, load, text } from "./text.js";
import { openWorkbench } from "./workbench.js";

const main = document.getElementById("main");
let leave = async () => true;
let shown = null;

function bar(directory = null, readOnly = null) {
  const languages = el("select", { "aria-label": text("studio.language"), on: { change: chooseLanguage } },
    LANGS.map(([code, name]) => el("option", { value: code, selected: code === language() }, name)));
  replace(document.getElementById("bar"),
    el("a", { class: "brand", href: "#/" }, icon("door"), el("span", {}, text("studio.name"))),
    directory && el("span", { class: "directory", title: directory }, el("bdi", {}, directory)),
    readOnly && el("span", { class: "pill", title: readOnly }, icon("lock"), el("span", {}, text("studio.read_only"))),
    el("span", { class: "grow" }),
    languages,
    button(text("studio.keys"), { look: "quiet compact", sign: "keys", press: keysDialog, "aria-label": text("studio.keys") }));
  document.title = text("studio.name");
}

async function chooseLanguage(event) {
  if (!(await leave())) return bar();
  await load(event.target.value);
  await show();
}

/** Shows what the address says, unless what is open must not be left. */
async function show() {
  const id = /^#\/c\/([a-z0-9-]+)(?:@(\d+))?$/.exec(location.hash);
  leave = async () => true;
  shown = location.hash;
  bar();
  try {
    if (id) leave = await openWorkbench(main, id[1], id[2] ? Number(id[2]) : null, bar);
    else await showList(main, bar);
    document.getElementById("main").focus({ preventScroll: true });
  } catch (error) {
    failed(error);
  }
}

export function failed(error) {
  if (error instanceof api.SessionEnded) return ended(text("studio.session_ended"));
  if (error instanceof api.Offline) return;
  throw error;
}

function ended(message) {
  replace(main, el("section", { class: "centre" }, icon("lock"), el("h1", {}, text("studio.sign_in")), el("p", {}, message),
    el("p", { class: "note" }, text("studio.sign_in_how"))));
}

window.addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof api.SessionEnded || event.reason instanceof api.Offline) {
    event.preventDefault();
    failed(event.reason);
  }
});

window.addEventListener("hashchange", async () => {
  if (location.hash === shown) return;
  const secret = /^#([\w-]{22})$/.exec(location.hash);
  if (secret) return start();
  const wanted = location.hash;
  if (await leave()) {
    history.replaceState(null, "", wanted);
    await show();
  } else {
    history.replaceState(null, "", shown);
  }
});

window.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "") || document.activeElement?.shadowRoot;
  if (event.key === "?" && !typing && !document.querySelector("dialog[open]")) keysDialog();
});

api.watchConnection((reached) => {
  const strip = document.getElementById("offline");
  strip.hidden = reached;
  strip.textContent = reached ? "" : text("studio.offline");
});

async function start() {
  await load();
  bar();
  // The secret is out of the address before anything else is asked for.
  const secret = /^#([\w-]{22})$/.exec(location.hash);
  if (secret) history.replaceState(null, "", "#/");
  try {
    if (secret && !(await api.signIn(secret[1]))) return ended(text("studio.link_used"));
  } catch (error) {
    return failed(error);
  }
  if (!api.signedIn()) return ended(text("studio.no_session"));
  await show();
}

await start();
