// All connectors of the directory, with state and first mistake.

import * as api from "./api.js";
import { newDialog } from "./create.js";
import { button, el, icon, pill, replace, say } from "./dom.js";
import { place, sentence } from "./problems.js";
import { counted, fill, text, when } from "./text.js";

/** Between two looks at a list that is still being loaded. */
const PAUSE = 300;

export async function showList(main, bar) {
  replace(main, el("p", { class: "centre note" }, text("studio.loading")));
  const { data, ok } = await api.list();
  if (!ok) return replace(main, el("p", { class: "centre" }, data?.detail ?? text("studio.failed")));
  bar(data.directory, data.read_only);
  const make = data.read_only ? null : button(text("studio.new"), { look: "primary", sign: "plus", press: () => newDialog(data.connectors) });
  if (data.connectors.length === 0) return replace(main, empty(make));
  const rows = el("tbody");
  const count = el("p", { class: "note", role: "status" });
  const wanted = el("input", { type: "search", placeholder: text("studio.filter"), "aria-label": text("studio.filter"), on: { input: filter } });
  const waiting = () => data.connectors.some((it) => it.pending);

  function filter() {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    const broken = data.connectors.filter((it) => !it.loads && !it.pending).length;
    const fits = (it) => words.every((word) => haystack(it).includes(word));
    const found = data.connectors.filter(fits);
    replace(rows, found.slice(0, 500).map(row));
    count.textContent = found.length === data.connectors.length
      ? counted("studio.count", "studio.count_one", found.length) + (broken > 0 ? ` · ${fill("studio.broken", { n: broken })}` : "")
      : fill("studio.found", { n: found.length, all: data.connectors.length });
  }

  replace(main, el("section", { class: "list" },
    el("div", { class: "head" },
      el("div", {}, el("h1", {}, text("studio.connectors")), count),
      el("span", { class: "grow" }),
      el("div", { class: "search" }, icon("search"), wanted), make),
    el("table", {},
      el("thead", {}, el("tr", {}, ["studio.col_connector", "studio.col_state", "studio.col_steps", "studio.col_leads", "studio.col_cases", "studio.col_changed"]
        .map((key) => el("th", { scope: "col" }, text(key))))),
      rows)));
  filter();
  say(count.textContent);
  // Thousands are loaded piece by piece; the list stands meanwhile.
  const poll = async () => {
    if (!rows.isConnected || !waiting()) return;
    const next = await api.list();
    if (next.ok && rows.isConnected) {
      data.connectors = next.data.connectors;
      filter();
    }
    setTimeout(poll, PAUSE);
  };
  poll();
  main.onkeydown = (event) => {
    if (event.key === "/" && document.activeElement !== wanted && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      wanted.focus();
    }
  };
}

function haystack(it) {
  return [it.id, it.title ?? "", it.kind ?? "", ...it.origins, ...it.steps].join(" ").toLowerCase();
}

function state(it) {
  if (it.pending) return pill("", text("studio.checking"));
  if (!it.loads) return pill("bad", counted("studio.state_errors", "studio.state_errors_one", it.errors));
  if (it.warnings > 0) return pill("warn", counted("studio.state_warnings", "studio.state_warnings_one", it.warnings));
  return pill("good", text("studio.state_good"));
}

function row(it) {
  const line = it.first?.range ? `@${it.first.range.start.line + 1}` : "";
  const first = it.first && el("a", { class: `first ${it.first.severity}`, href: `#/c/${it.id}${line}` },
    el("span", { class: "where" }, place(it.first)), " ", sentence(it.first));
  const name = el("td", { class: "name" },
    el("a", { href: `#/c/${it.id}` }, el("bdi", {}, it.id)),
    it.kind === "utility" && el("span", { class: "pill" }, text("studio.utility")),
    it.title && el("p", { class: "title" }, el("bdi", {}, it.title)),
    first);
  const cell = (key, ...content) => el("td", { "data-label": text(key) }, ...content);
  return el("tr", {}, name,
    cell("studio.col_state", state(it)),
    cell("studio.col_steps", el("span", { class: "soft" }, it.steps.join(" → ") || "–")),
    cell("studio.col_leads", el("span", { class: "soft mono" }, it.origins.join(" ") || "–")),
    cell("studio.col_cases", it.loads ? String(it.tests) : "–"),
    cell("studio.col_changed", el("span", { class: "soft" }, when(it.modified))));
}

function empty(make) {
  return el("section", { class: "centre" }, icon("door"), el("h1", {}, text("studio.empty")), el("p", {}, text("studio.empty_how")), make);
}
