// The way of a login through the steps, as the server lays it out. A click on a step goes to its text.

import * as api from "./api.js";
import { el, replace, svg } from "./dom.js";
import { text, word } from "./text.js";

export class Graph {
  /** `hooks`: `text()`, `go(range)`. */
  constructor(hooks) {
    this.hooks = hooks;
    this.node = el("div", { class: "graph", tabindex: "0", role: "region", "aria-label": text("studio.graph"), hidden: true });
  }

  async refresh() {
    if (this.node.hidden) return;
    const draft = this.hooks.text();
    const { ok, data } = await api.graph(draft);
    if (draft !== this.hooks.text()) return;
    if (!ok) return replace(this.node, el("p", { class: "notice bad" }, text("studio.cards_broken")));
    const picture = svg("svg", { viewBox: `0 0 ${data.width} ${data.height}`, width: data.width, height: data.height, class: "picture" });
    const head = svg("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" });
    head.append(svg("path", { d: "M0 0 8 4 0 8z", class: "head" }));
    picture.append(head, ...data.arrows.flatMap(arrow), ...data.boxes.map((it) => this.box(it)));
    replace(this.node, picture);
  }

  box(it) {
    const group = svg("g", { class: `box ${it.kind}` });
    group.append(svg("rect", { x: it.left, y: it.top, width: it.width, height: it.height, rx: 8 }));
    const title = it.kind === "accept" ? word("verdict", it.title) : it.title;
    const lines = [...(title ? [[title, "name"]] : []), ...it.lines.map((line) => [said(line), ""])];
    lines.forEach(([line, look], n) => {
      const made = svg("text", { x: it.left + 12, y: it.top + 24 + n * 18, class: look });
      made.textContent = line;
      group.append(made);
    });
    if (it.range) {
      for (const [name, value] of Object.entries({ role: "button", tabindex: "0" })) group.setAttribute(name, value);
      group.addEventListener("click", () => this.hooks.go(it.range));
      group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.hooks.go(it.range); } });
    }
    return group;
  }
}

/** A reason in words. */
function said(line) {
  const [kind, reason] = line.split(": ");
  return kind === "reject" && reason ? word("reason", reason) : line === "unavailable" ? word("verdict", line) : line;
}

function arrow({ points, label }) {
  const line = svg("polyline", { points: points.map((it) => it.join(",")).join(" "), class: "arrow", "marker-end": "url(#head)" });
  if (!label) return [line];
  const [x, y] = points.length > 2 ? points[1] : points[0];
  const made = svg("text", { x: x + 8, y: y + (points.length > 2 ? -4 : 16), class: "label" });
  made.textContent = text("studio.graph_more");
  return [line, made];
}
