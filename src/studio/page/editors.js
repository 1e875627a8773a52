// Which editor: CodeMirror where the program was built with it, or the plain one, which everybody may choose.

import { EDITOR } from "./features.js";
import { Editor } from "./editor.js";
import { RichEditor } from "./rich.js";

const PLAIN = "doorward.plain";

/** Whether there is a choice. */
export const hasRich = () => EDITOR !== null;

export const wantsPlain = () => localStorage.getItem(PLAIN) === "yes";

export function choosePlain(plain) {
  if (plain) localStorage.setItem(PLAIN, "yes");
  else localStorage.removeItem(PLAIN);
}

export async function makeEditor(label, options) {
  if (!hasRich() || wantsPlain()) return new Editor(label, options);
  return new RichEditor(await import(EDITOR), label, options);
}
