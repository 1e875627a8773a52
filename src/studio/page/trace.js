// The rows of a send test, as the terminal prints them.

import { el } from "./dom.js";
import { text } from "./text.js";

const cell = (it, extra = "") => el("span", { class: `tone ${it.tone ?? "plain"} ${extra}` }, el("bdi", {}, it.text));

/** A table for each step; `pick(step, path)`, if given, is called for a field of a reply. The first title is the verdict's, which has a place of its own. */
export function traceTables(rows, pick = null) {
  const tables = [];
  let [step, section] = ["", ""];
  for (const row of rows) {
    if (row.columns === "title") {
      step = row.label.text;
      const caption = el("caption", {}, cell(row.label, "step"), row.cells.map((it) => cell(it, "remark")));
      tables.push(el("table", { class: "trace" }, caption, el("tbody")));
    } else {
      section = row.label.text.trim() || section;
      const path = section === "document" && row.columns === "pair" ? row.cells[0].text : null;
      tables.at(-1)?.lastChild.append(line(row, pick && path ? (event) => pick(step, path, event.currentTarget) : null));
    }
  }
  return tables.slice(1);
}

function line(row, pick) {
  const label = el(row.label.text.trim() ? "th" : "td", { scope: row.label.text.trim() ? "row" : null, class: "label" }, row.mark && el("span", { class: "mark", title: text("studio.decisive") }, "▶ "), cell(row.label));
  if (row.columns === "wide" || row.columns === "text") {
    return el("tr", { class: row.mark ? "decisive" : "" }, label, el("td", { colspan: "3" }, row.cells.map((it) => cell(it))));
  }
  return el("tr", { class: `row-${row.columns} ${row.mark ? "decisive" : ""}` }, label, row.cells.map((it, at) => el("td", { class: `c${at}` },
    pick && at === 0 ? el("button", { type: "button", class: "pick", title: text("studio.use_field"), on: { click: pick } }, cell(it)) : cell(it))));
}
