// The API of the sidecar: every failure becomes a sentence.

const API = "/api/v1";
const TOKEN = "ta-bot-token";

export class Refusal extends Error {
  constructor(status, code, message, details = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const UNREACHABLE = "The sidecar does not answer. This page goes on by itself when it is back.";

let onTokenWanted = () => {};

export function whenTokenIsWanted(ask) {
  onTokenWanted = ask;
}

export function setToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

// The answer to a request, whatever its status.
export async function send(path, settings = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...settings.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let answer;
  try {
    answer = await fetch(API + path, { ...settings, headers, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "unreachable", UNREACHABLE);
  }
  if (answer.status === 401) {
    const why = token ? "This token is not known to the sidecar." : "The sidecar asks for a token.";
    onTokenWanted(why);
    throw new Refusal(401, "unauthorized", why);
  }
  return answer;
}

export async function get(path, query = {}) {
  const asked = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  return taken(await send(asked.length ? `${path}?${new URLSearchParams(asked)}` : path));
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return taken(await send(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

export async function remove(path, query) {
  const asked = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  return taken(await send(`${path}?${new URLSearchParams(asked)}`, { method: "DELETE" }));
}

export async function taken(answer) {
  let content;
  try {
    content = await answer.json();
  } catch {
    throw new Refusal(answer.status, "odd", `The sidecar gave an answer that cannot be read (${answer.status}).`);
  }
  if (content.success === true) return content;
  const { code = "odd", message = "no reason given", details = null } = content.error ?? {};
  throw new Refusal(answer.status, code, sentence(answer.status, code, message), details);
}

function sentence(status, code, message) {
  if (status === 403) return "This token may only read. A change needs a write token.";
  if (status === 409) return `Somebody else was faster: ${message}. Look at it again, then decide anew.`;
  if (status === 429) return `Not so fast: ${message}.`;
  if (status === 503) return `Nothing was changed, try again later: ${message}.`;
  if (status >= 500) return "The sidecar made a mistake. Its log says more.";
  return `That is not possible: ${message}.`;
}
