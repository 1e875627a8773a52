// Two texts line by line, as a reviewer reads them.

import { el } from "./dom.js";
import { text } from "./text.js";

/** Unchanged lines around a change. */
const AROUND = 3;
/** Changes beyond this are shown as one block: a person reads neither. */
const MOST_EDITS = 2000;

/** `{ sign, line, old, fresh }` for each line; `sign` is " ", "-" or "+". */
export function diffLines(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const middle = edits(left, right) ?? [...left.map((line) => ["-", line]), ...right.map((line) => ["+", line])];
  const all = [...a.slice(0, head).map((line) => [" ", line]), ...middle, ...a.slice(a.length - tail).map((line) => [" ", line])];
  let [old, fresh] = [0, 0];
  return all.map(([sign, line]) => {
    if (sign !== "+") old += 1;
    if (sign !== "-") fresh += 1;
    return { sign, line, old: sign === "+" ? null : old, fresh: sign === "-" ? null : fresh };
  });
}

/** Myers, "An O(ND) Difference Algorithm" (1986); null when there are too many. */
function edits(a, b) {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  const best = new Map([[1, 0]]);
  const steps = [];
  for (let d = 0; d <= most; d += 1) {
    steps.push(new Map(best));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (best.get(k - 1) ?? -1) < (best.get(k + 1) ?? -1));
      let x = down ? best.get(k + 1) : best.get(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      best.set(k, x);
      if (x >= a.length && x - k >= b.length) return traced(a, b, steps, d);
    }
  }
  return null;
}

function traced(a, b, steps, last) {
  const out = [];
  let [x, y] = [a.length, b.length];
  for (let d = last; d > 0; d -= 1) {
    const [best, k] = [steps[d], x - y];
    const down = k === -d || (k !== d && (best.get(k - 1) ?? -1) < (best.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const [fromX, fromY] = [best.get(from), best.get(from) - from];
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      out.push([" ", a[x - 1]]);
      [x, y] = [x - 1, y - 1];
    }
    if (down) out.push(["+", b[y - 1]]);
    else out.push(["-", a[x - 1]]);
    [x, y] = [fromX, fromY];
  }
  while (x > 0) {
    out.push([" ", a[x - 1]]);
    x -= 1;
  }
  return out.reverse();
}

export function diffTable(before, after) {
  const lines = diffLines(before, after);
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((it) => it.sign !== " "));
  const body = el("tbody");
  let skipped = false;
  lines.forEach((it, at) => {
    if (!near[at]) {
      if (!skipped) body.append(el("tr", { class: "skip" }, el("td", { colspan: "4" }, "⋯")));
      skipped = true;
      return;
    }
    skipped = false;
    const kind = { "+": "added", "-": "removed", " ": "" }[it.sign];
    body.append(el("tr", { class: kind }, el("td", { class: "n" }, it.old ?? ""), el("td", { class: "n" }, it.fresh ?? ""),
      el("td", { class: "s" }, it.sign.trim()), el("td", { class: "t" }, it.line.replace(/\r$/, "␍") || " ")));
  });
  const changed = lines.filter((it) => it.sign !== " ");
  if (changed.length === 0) return el("p", { class: "note" }, text("studio.same"));
  return el("div", { class: "diff", tabindex: "0", role: "region", "aria-label": text("studio.difference") }, el("table", {}, body));
}
