// The public API, as the page asks it.

import { language } from "./words.js";

const PATIENCE_MS = 15_000;

/** An answer that says why not: `status`, and the problem document (RFC 9457) with its own members. */
export class Problem extends Error {
  constructor(status, document) {
    super(document?.detail ?? document?.title ?? `HTTP ${status}`);
    this.status = status;
    this.document = document ?? {};
  }
}

/** Nobody answered: the server or the network is away. */
export class Away extends Error {}

/** The address of a path below /api/v1 with parameters; null and "" are left out, lists are repeated. */
export function address(path, parameters = {}) {
  const url = new URL(`/api/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one != null && one !== "") url.searchParams.append(name, one);
  }
  return url;
}

/** Read a document. */
export const get = (path, parameters, options) => ask("GET", path, parameters, undefined, options);

/** A key that nobody else has; `crypto.randomUUID` is there by HTTPS and on this machine only. */
export const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Change something. `key` makes repeating it harmless: the server does it once. */
export const post = (path, body, key = freshKey(), options = {}) =>
  ask("POST", path, {}, body, { ...options, headers: { "Idempotency-Key": key } });
export const put = (path, body) => ask("PUT", path, {}, body);
export const patch = (path, body) => ask("PATCH", path, {}, body);
export const remove = (path) => ask("DELETE", path, {});

/** All items of a list, page after page, at most so many. */
export async function all(path, parameters = {}, most = 1000) {
  const items = [];
  let cursor = null;
  do {
    const page = await get(path, { ...parameters, cursor });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

async function ask(method, path, parameters, body, { headers = {}, signal, patience: longest = PATIENCE_MS } = {}) {
  const request = { method, headers: { "Accept-Language": language, Accept: "application/json", ...headers } };
  const patience = AbortSignal.timeout(longest);
  request.signal = signal && AbortSignal.any ? AbortSignal.any([signal, patience]) : signal ?? patience;
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(address(path, parameters), request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Away(String(error));
  }
  const document = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, document);
  return document;
}
