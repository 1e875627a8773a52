// The send test of the saved file or of the draft: who logs in, what came of it, every stage.

import * as api from "./api.js";
import { challengeForm } from "./challenge.js";
import { grownList } from "./dialogs.js";
import { button, el, field, icon, replace, say } from "./dom.js";
import { place, sentence } from "./problems.js";
import { traceTables } from "./trace.js";
import { fill, text, word } from "./text.js";

const TONES = { accept: "good", reject: "bad", challenge: "open", unavailable: "warn", misconfigured: "warn", rendered: "good" };

export class SendTest {
  /** `subject()` gives `{ text, dirty, checked }` of the editor. */
  constructor(id, subject, { pick, record, propose } = {}) {
    [this.id, this.subject, this.pick, this.record, this.propose, this.rows, this.wrong] = [id, subject, pick, record, propose, [], 0];
    this.kept = JSON.parse(sessionStorage.getItem(`doorward.test.${id}`) ?? "{}");
    const plain = { autocomplete: "off", spellcheck: "false", autocapitalize: "off" };
    this.username = el("input", { type: "text", ...plain, value: this.kept.username ?? "" });
    this.password = el("input", { type: "password", autocomplete: "new-password" });
    this.ip = el("input", { type: "text", placeholder: "192.0.2.7", ...plain, value: this.kept.ip ?? "" });
    this.attributes = el("div");
    this.which = el("p", { class: "which note" });
    this.grown = el("div");
    this.result = el("div", { class: "result" });
    this.passwordField = field(text("studio.password"), this.password);
    this.send = el("button", { type: "submit", class: "button primary", title: "Ctrl Enter" }, icon("send"), el("span", {}, text("studio.send")));
    this.render = button(text("studio.render"), { sign: "eye", title: text("studio.render_note"), press: () => this.run("render") });
    this.stop = button(text("studio.stop"), { look: "quiet", press: () => this.abort?.abort() });
    this.stop.hidden = true;
    const form = el("form", { class: "who", on: { submit: (event) => { event.preventDefault(); this.run("send"); } } },
      el("div", { class: "side-by-side" }, field(text("studio.username"), this.username), this.passwordField),
      this.attributes,
      el("details", { open: Boolean(this.kept.ip) }, el("summary", {}, text("studio.more")), field(text("studio.client_ip"), this.ip)),
      this.which, this.grown, el("div", { class: "buttons" }, this.send, this.render, this.stop));
    this.node = el("section", { class: "pane test", "aria-label": text("studio.test") }, el("h2", {}, text("studio.test")), form, this.result);
  }

  /** What a login brings and what is tested, after each check. */
  refresh() {
    const { dirty, checked } = this.subject();
    this.which.textContent = text(dirty ? "studio.tests_draft" : "studio.tests_saved");
    const grown = checked?.grown ?? [];
    replace(this.grown, grown.length > 0 && el("div", { class: "notice warn" }, el("p", {}, text("studio.withheld")), grownList(grown)));
    const inputs = checked?.about?.inputs;
    if (!inputs) return;
    this.passwordField.hidden = !inputs.password;
    const wanted = JSON.stringify(inputs.attributes);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.given = inputs.attributes.map((it) => ({ name: it.name, input: el("input", {
      type: "text", autocomplete: "off", maxlength: it.max, value: this.kept.attributes?.[it.name] ?? "",
    }), required: it.required }));
    replace(this.attributes, this.given.map((it) => field(it.required ? `${it.name} *` : it.name, it.input)));
  }

  async run(mode) {
    const { text: draft, dirty } = this.subject();
    const attributes = Object.fromEntries((this.given ?? []).filter((it) => it.input.value !== "").map((it) => [it.name, it.input.value]));
    const kept = { username: this.username.value, ip: this.ip.value, attributes };
    sessionStorage.setItem(`doorward.test.${this.id}`, JSON.stringify(kept));
    const body = { id: this.id, mode, username: this.username.value, attributes };
    if (!this.passwordField.hidden) body.password = this.password.value;
    if (this.ip.value.trim()) body.client_ip = this.ip.value.trim();
    if (dirty) body.text = draft;
    this.rows = [];
    await this.calls((signal) => api.sendTest(body, signal));
  }

  async calls(call) {
    this.abort = new AbortController();
    this.busy(true);
    try {
      this.show(await call(this.abort.signal));
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      replace(this.result, el("p", { class: "notice" }, text("studio.stopped")));
    } finally {
      this.busy(false);
    }
  }

  busy(running) {
    [this.send.disabled, this.render.disabled, this.stop.hidden] = [running, running, !running];
    this.node.setAttribute("aria-busy", String(running));
    this.node.classList.toggle("busy", running);
  }

  show({ ok, status, data, retryAfter }) {
    if (!ok) return this.refused(status, data, retryAfter);
    const { summary } = data;
    const verdict = summary.verdict ?? "rendered";
    const tone = TONES[verdict] ?? "warn";
    this.rows.push(data.rows ?? []);
    if (verdict === "reject" && summary.detail === "invalid_credentials") this.wrong += 1;
    if (verdict === "accept") this.wrong = 0;
    const sends = summary.credential_sends;
    const facts = verdict === "rendered" ? [] : [fill("studio.took", { ms: Math.round(summary.took_ms) }), fill("studio.sent", { n: sends })];
    const name = verdict === "rendered" ? text("studio.rendered") : word("verdict", verdict);
    const detail = summary.detail && (word("reason", summary.detail) !== summary.detail ? word("reason", summary.detail) : word("cause", summary.detail));
    replace(this.result,
      el("div", { class: `verdict ${tone}`, role: "status" },
        el("p", { class: "what" }, icon({ good: "good", bad: "bad", open: "lock", warn: "warn" }[tone]), el("strong", {}, name), el("code", {}, verdict), detail && el("span", {}, detail)),
        el("p", { class: "explain" }, el("bdi", {}, summary.explain)),
        facts.length > 0 && el("p", { class: "soft" }, facts.join(" · "))),
      this.wrong >= 2 && el("p", { class: "notice warn" }, text("studio.locks")),
      data.open_challenge && challengeForm(data.open_challenge, (body) => this.calls(() => api.answer(body))),
      this.record && verdict !== "rendered" && !data.open_challenge && el("div", { class: "buttons" }, button(text("studio.record"), { look: "compact", sign: "plus", press: () => this.record(verdict) })),
      this.propose && verdict !== "rendered" && !data.open_challenge && this.marks(),
      this.pick && this.rows.some((rows) => rows.some((it) => it.label.text === "document")) && el("p", { class: "note" }, text("studio.use_hint")),
      this.rows.flatMap((rows) => traceTables(rows, this.pick)));
    say(`${name} ${detail ?? ""}`);
  }

  /** A person says what the login was; from two right ones and a wrong one rules are proposed. */
  marks() {
    const counted = el("span", { class: "soft", role: "status" });
    const propose = button(text("studio.propose"), { look: "compact primary", press: () => this.propose() });
    propose.hidden = true;
    const mark = (right) => async () => {
      const { ok, data } = await api.mark(this.id, right);
      if (!ok) return say(data?.detail ?? text("studio.failed"));
      counted.textContent = fill("studio.marked", data);
      propose.hidden = data.right < 2 || data.wrong < 1;
      buttons.forEach((it) => { it.disabled = true; });
    };
    const buttons = [[true, "studio.mark_right"], [false, "studio.mark_wrong"]].map(([right, key]) => button(text(key), { look: "compact", press: mark(right) }));
    return el("details", { class: "marks", open: this.marksOpen ?? false, on: { toggle: (event) => { this.marksOpen = event.target.open; } } },
      el("summary", {}, text("studio.propose_how")), el("p", { class: "note" }, text("studio.propose_note")), el("div", { class: "buttons" }, buttons, propose, counted));
  }

  refused(status, data, retryAfter) {
    const more = [];
    if (data?.grown) more.push(grownList(data.grown));
    if (data?.diagnostics) more.push(el("ul", { class: "grown" }, data.diagnostics.slice(0, 5).map((it) => el("li", {}, el("span", { class: "where" }, place(it)), " ", sentence(it)))));
    if (data?.errors) more.push(el("ul", { class: "grown" }, data.errors.map((it) => el("li", {}, el("code", {}, it.pointer), " ", it.detail))));
    const known = { "secret-withheld": "studio.refused_withheld", does_not_load: "studio.refused_load", too_many_tests: "studio.refused_many", utility: "studio.refused_utility", invalid_body: "studio.refused_input" };
    const key = known[data?.code];
    const said = key ? text(key) : (data?.detail ?? data?.title ?? String(status));
    replace(this.result, el("div", { class: "notice bad", role: "alert" }, el("p", {}, said, retryAfter ? ` (${retryAfter} s)` : ""), more));
  }
}
