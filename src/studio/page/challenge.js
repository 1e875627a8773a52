// A challenge that a send test opened, answered in place.

import { button, el, field, icon, say } from "./dom.js";
import { fill, text, word } from "./text.js";

/** Made of `open`, the challenge; `act(body)` sends an answer or an action. */
export function challengeForm(open, act) {
  const inputs = open.fields.map((it) => ({ name: it.name, input: el("input", {
    type: it.echo ? "text" : "password", autocomplete: "off", spellcheck: "false", pattern: it.pattern ?? null, required: true,
  }), label: it.label ?? it.name }));
  const code = open.type === "redirect" ? el("input", { type: "text", autocomplete: "off", spellcheck: "false" }) : null;
  const left = el("span", { class: "soft" });
  const note = el("p", { class: "note" });
  const buttons = el("div", { class: "buttons" });
  const until = Date.now() + open.expires_in * 1000;
  const resendAt = open.resend_after === undefined ? null : Date.now() + open.resend_after * 1000;
  const pollAt = open.poll_after === undefined ? null : Date.now() + open.poll_after * 1000;
  const resend = resendAt && button(text("studio.resend"), { press: () => send({ action: "resend" }) });
  const poll = pollAt && button(text("studio.poll"), { press: () => send({ action: "poll" }) });
  const answers = inputs.length > 0 || code;
  const form = el("form", { class: "challenge", on: { submit } },
    el("h3", {}, icon("lock"), text("studio.asks"), " ", el("span", { class: "pill open" }, open.type), left),
    open.message && el("p", { class: "message" }, el("bdi", {}, open.message)),
    open.error && el("p", { class: "notice bad", role: "alert" }, word("reason", open.error.reason), open.error.error_message && [": ", el("bdi", {}, open.error.error_message)]),
    picture(open),
    open.url && el("p", {}, el("a", { href: safe(open.url), target: "_blank", rel: "noopener noreferrer" }, text("studio.open_link")), " ", el("span", { class: "note mono" }, open.url)),
    inputs.map((it) => field(it.label, it.input)),
    code && field(text("studio.redirect_address"), code, text("studio.redirect_note")),
    note, buttons);
  buttons.append(...[answers && el("button", { type: "submit", class: "button primary" }, text("studio.answer")), poll, resend,
    button(text("studio.give_up"), { look: "quiet", press: () => send({ action: "cancel" }) })].filter(Boolean));

  function submit(event) {
    event.preventDefault();
    const given = Object.fromEntries(inputs.map((it) => [it.name, it.input.value]));
    if (code) Object.assign(given, fromAddress(code.value));
    send({ answers: given });
  }
  function send(what) {
    clearInterval(timer);
    form.querySelectorAll("button, input").forEach((it) => { it.disabled = true; });
    act({ challenge: open.id, ...what });
  }
  function tick() {
    if (!form.isConnected) return clearInterval(timer);
    const now = Date.now();
    const seconds = (at) => Math.max(0, Math.ceil((at - now) / 1000));
    left.textContent = fill("studio.challenge_left", { seconds: seconds(until), attempts: open.attempts_left });
    if (resend) [resend.disabled, resend.lastChild.textContent] = [now < resendAt, now < resendAt ? fill("studio.resend_in", { seconds: seconds(resendAt) }) : text("studio.resend")];
    if (poll) poll.disabled = now < pollAt;
    if (now >= until) {
      clearInterval(timer);
      note.textContent = text("studio.challenge_over");
      form.querySelectorAll("button, input").forEach((it) => { it.disabled = true; });
    }
  }
  const timer = setInterval(tick, 500);
  queueMicrotask(() => {
    tick();
    form.querySelector("input")?.focus();
    say(`${text("studio.asks")} ${open.message ?? ""}`);
  });
  return form;
}

/** Only pictures that came along are shown; one that lies elsewhere is a link that a person may open. */
function picture(open) {
  if (!open.image) return null;
  if (/^data:image\/(png|jpeg|gif|webp|bmp|svg\+xml)[;,]/i.test(open.image)) {
    return el("img", { class: "captcha", src: open.image, alt: text("studio.picture") });
  }
  return el("p", {}, el("a", { href: safe(open.image), target: "_blank", rel: "noopener noreferrer" }, text("studio.picture")));
}

const safe = (url) => (/^https?:\/\//i.test(url) ? url : "#");

/** The address to which the browser was sent back has code and state; a code alone is taken as it is. */
function fromAddress(given) {
  try {
    const found = new URL(given.trim()).searchParams;
    return Object.fromEntries(["code", "state"].filter((name) => found.has(name)).map((name) => [name, found.get(name)]));
  } catch {
    return { code: given.trim() };
  }
}
