// The words of the page: the files of lang/, which the terminal has, too.

const KEPT = "doorward.lang";
export const LANGS = [["zh-CN", "中文"], ["en", "English"]];

let words = {};
let english = {};
let present = "en";

async function file(lang) {
  const reply = await fetch(`/lang/${lang}.json`);
  return reply.ok ? reply.json() : {};
}

/** The language that was chosen before, or else the browser's. */
export async function load(lang = null) {
  const kept = lang || localStorage.getItem(KEPT);
  present = LANGS.some(([known]) => known === kept) ? kept : /^zh\b/i.test(navigator.language) ? "zh-CN" : "en";
  if (lang) localStorage.setItem(KEPT, lang);
  english = await file("en");
  words = present === "en" ? english : await file(present);
  document.documentElement.lang = present;
}

export const language = () => present;

export function find(key) {
  return words[key] ?? english[key] ?? null;
}

export function text(key) {
  return find(key) ?? key;
}

export function fill(key, values) {
  return text(key).replace(/\{([a-z_]+)\}/g, (hole, name) => (name in values ? String(values[name]) : hole));
}

/** A number with its word; `one` is the key for 1. */
export function counted(key, one, n) {
  return n === 1 ? text(one) : fill(key, { n });
}

/** A word of a closed list (verdict, reason, cause), or the word itself. */
export function word(list, name) {
  return find(`${list}.${name}`) ?? name;
}

export function when(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  const form = today ? { hour: "2-digit", minute: "2-digit" } : { year: "numeric", month: "2-digit", day: "2-digit" };
  return new Intl.DateTimeFormat(present, form).format(date);
}
