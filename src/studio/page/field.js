// What a field of a reply may become.

import { ask } from "./dialogs.js";
import { el, field } from "./dom.js";
import { text, word } from "./text.js";

const REASONS = ["invalid_credentials", "account_locked", "account_disabled", "password_expired", "mfa_failed", "too_many_attempts", "other"];
const COMPARED = ["success", "reject", "unavailable"];
const USES = { success: "studio.use_success", reject: "studio.use_reject", unavailable: "studio.use_unavailable", capture: "studio.use_capture",
  identity: "studio.use_identity", map: "studio.use_map" };
const COMPARISONS = { equals: "studio.compare_equals", has_value: "studio.compare_has_value" };
const MAPPED = { error_message: "studio.map_error_message", error_code: "studio.map_error_code", extension: "studio.map_extension" };

const choice = (values, label) => el("select", {}, values.map((it) => el("option", { value: it }, label(it))));

/** Resolves to the body of `api.rule` without text and place, or null. */
export function fieldDialog(step, path, wrong) {
  const use = choice(Object.keys(USES), (it) => text(USES[it]));
  const compare = choice(Object.keys(COMPARISONS), (it) => text(COMPARISONS[it]));
  const value = el("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: text("studio.value_of_last") });
  const reason = choice(REASONS, (it) => `${word("reason", it)} (${it})`);
  const mapped = choice(Object.keys(MAPPED), (it) => text(MAPPED[it]));
  const name = el("input", { type: "text", spellcheck: "false", value: path.replace(/\W+$/, "").split(/\W+/).at(-1).replace(/^\d+/, "") || "value" });
  const rows = { compare: field(text("studio.compare"), compare), value: field(text("studio.value"), value), reason: field(text("studio.reason"), reason), mapped: field(text("studio.mapped"), mapped), name: field(text("studio.capture_name"), name) };
  const shown = () => {
    const compared = COMPARED.includes(use.value);
    rows.compare.hidden = !compared;
    rows.value.hidden = !compared || compare.value !== "equals";
    rows.reason.hidden = use.value !== "reject";
    rows.mapped.hidden = use.value !== "map";
    rows.name.hidden = use.value !== "capture";
  };
  use.addEventListener("change", shown);
  compare.addEventListener("change", shown);
  shown();
  const made = () => {
    const body = { use: use.value };
    if (COMPARED.includes(use.value)) {
      if (compare.value === "has_value") body.has_value = true;
      else if (value.value !== "") body.equals = value.value;
    }
    if (use.value === "reject") body.reason = reason.value;
    if (use.value === "map") body.name = mapped.value;
    if (use.value === "capture") body.name = name.value.trim();
    return body;
  };
  const head = el("p", {}, el("code", {}, step), " · ", el("code", {}, path));
  const content = [head, field(text("studio.use_as"), use), ...Object.values(rows), wrong && el("p", { class: "notice bad", role: "alert" }, wrong), el("p", { class: "note" }, text("studio.use_undo"))];
  return ask(text("studio.use_field"), content.filter(Boolean), [{ label: text("studio.insert"), look: "primary", value: made }]);
}
