// Calls of the studio. The session's token is in this tab only and goes into a header: no cookie.

const TOKEN = "doorward.session";

export class SessionEnded extends Error {}
export class Offline extends Error {}

let token = sessionStorage.getItem(TOKEN);
let onState = () => {};

/** `heard(true)` when calls arrive, `heard(false)` when not. */
export function watchConnection(heard) {
  onState = heard;
}

export const signedIn = () => Boolean(token);

async function call(method, path, { body, headers = {}, signal } = {}) {
  const sent = { method, headers: { ...headers }, signal, cache: "no-store", credentials: "omit" };
  if (token) sent.headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) {
    sent.headers["Content-Type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, sent);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    onState(false);
    throw new Offline();
  }
  onState(true);
  const data = reply.status === 204 ? null : await reply.json().catch(() => null);
  if (reply.status === 401) {
    forget();
    throw new SessionEnded();
  }
  return { status: reply.status, ok: reply.ok, data, retryAfter: Number(reply.headers.get("Retry-After")) || null };
}

function forget() {
  token = null;
  sessionStorage.removeItem(TOKEN);
}

export async function signIn(link) {
  forget();
  const reply = await call("POST", "/v1/studio/session", { body: { link } });
  if (!reply.ok) return false;
  token = reply.data.token;
  sessionStorage.setItem(TOKEN, token);
  return true;
}

export async function signOut() {
  await call("DELETE", "/v1/studio/session").catch(() => null);
  forget();
}

const of = (id) => `/v1/studio/connectors/${encodeURIComponent(id)}`;

export const list = () => call("GET", "/v1/studio/connectors");
export const open = (id) => call("GET", of(id));
export const history = (id) => call("GET", `${of(id)}/history`);
export const version = (id, name) => call("GET", `${of(id)}/history/${encodeURIComponent(name)}`);
export const check = (id, draft, signal) => call("POST", "/v1/studio/check", { body: { id, text: draft }, signal });
export const sendTest = (body, signal) => call("POST", "/v1/studio/tests", { body, signal });
export const complete = (body) => call("POST", "/v1/studio/complete", { body });
export const cards = (draft) => call("POST", "/v1/studio/cards", { body: { text: draft } });
export const graph = (draft) => call("POST", "/v1/studio/graph", { body: { text: draft } });
export const edit = (body) => call("POST", "/v1/studio/edit", { body });
export const rule = (body) => call("POST", "/v1/studio/rule", { body });
export const mark = (id, right) => call("POST", "/v1/studio/mark", { body: { id, right } });
export const propose = (id, draft) => call("POST", "/v1/studio/propose", { body: { id, text: draft } });
export const record = (body) => call("POST", "/v1/studio/record", { body });
export const importText = (command, more) => call("POST", "/v1/studio/import", { body: { command, ...more } });
export const answer = (body) => call("POST", "/v1/studio/answers", { body });

/** Saves over the file with this tag; without one it must be new. */
export const save = (id, draft, etag) =>
  call("PUT", of(id), { body: { text: draft }, headers: etag ? { "If-Match": etag } : { "If-None-Match": "*" } });
