// Elements are made here and nowhere else: text is always a text node, so nothing that comes from outside becomes markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  back: "M10 3 5 8l5 5",
  plus: "M8 3v10M3 8h10",
  good: "m3.500 8.500 3 3 6-7",
  bad: "m4 4 8 8M12 4l-8 8",
  warn: "M8 2.500 14.500 13.500h-13zM8 6.500v3.200M8 11.600v.2",
  send: "M2.500 8h10M9 4.500 12.500 8 9 11.500",
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 6.200a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z",
  save: "M3 2.500h8l2.500 2.500v8.500h-11zM5.500 2.500v3.500h4.500v-3.500M5 13.500v-4h6v4",
  lock: "M4 7.500h8v6H4zM5.500 7.500V5.300a2.500 2.500 0 0 1 5 0v2.200",
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300l3.400 3.400",
  door: "M4.500 13.500v-10a1 1 0 0 1 1-1h5a1 1 0 0 1 1 1v10M2.500 13.500h11M9.500 8v.5",
  keys: "M1.500 4.500h13v7h-13zM4 7h.2M7 7h.2M10 7h.2M12 7h.2M5 9.300h6",
  more: "m4 6 4 4 4-4",
};

/** An element. `props`: `class`, `on` (listeners by event), everything else is an attribute; null and false leave it out. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** An element of a picture. */
export function svg(tag, props) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, String(value));
  return made;
}

export function icon(name) {
  const made = svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" });
  made.append(svg("path", { d: ICONS[name] }));
  return made;
}

export function button(label, { look = "", sign = null, title = null, press, ...more } = {}) {
  return el("button", { type: "button", class: `button ${look}`, title, on: { click: press }, ...more }, sign && icon(sign), el("span", {}, label));
}

export function pill(tone, label) {
  const signs = { good: "good", bad: "bad", warn: "warn" };
  return el("span", { class: `pill ${tone}` }, signs[tone] ? icon(signs[tone]) : null, el("span", {}, label));
}

/** A labelled input. */
export function field(label, input, note = null) {
  const id = input.id || `f${(field.count = (field.count || 0) + 1)}`;
  input.id = id;
  return el("div", { class: "field" }, el("label", { for: id }, label), input, note && el("p", { class: "note" }, note));
}

export function replace(node, ...children) {
  node.replaceChildren(...children.flat().filter(Boolean));
}

/** Says it to a screen reader. */
export function say(message) {
  document.getElementById("said").textContent = message;
}
