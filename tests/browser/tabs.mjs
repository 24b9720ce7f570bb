// Drives a browser's tabs by the DevTools protocol: one command a line on standard input, one answer a line.
//   node tabs.mjs ADDRESS-OF-DEVTOOLS
//   {"open": "http://..."} -> tab   {"evaluate": "1 + 1", "in": tab} -> 2   {"close": tab} -> true

import { createInterface } from "node:readline";

const version = await (await fetch(`${process.argv[2]}/json/version`)).json();
const socket = new WebSocket(version.webSocketDebuggerUrl);
await new Promise((resolve) => socket.addEventListener("open", resolve));
const waiting = new Map();
const loaded = new Map();
socket.addEventListener("message", ({ data }) => {
  const { id, result, error, method, sessionId } = JSON.parse(data);
  if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
  if (method === "Page.loadEventFired") loaded.get(sessionId)?.();
});
let count = 0;
const send = (method, params = {}, sessionId = undefined) => new Promise((resolve) => {
  waiting.set(++count, resolve);
  socket.send(JSON.stringify({ id: count, method, params, sessionId }));
});

const targets = new Map();

async function open(url) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  targets.set(sessionId, targetId);
  await send("Page.enable", {}, sessionId);
  const load = new Promise((resolve) => loaded.set(sessionId, resolve));
  await send("Page.navigate", { url }, sessionId);
  await load;
  return sessionId;
}

async function evaluate(expression, sessionId) {
  const parameters = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await send("Runtime.evaluate", parameters, sessionId);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value ?? null;
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    let answer = true;
    if (command.open) answer = await open(command.open);
    else if (command.evaluate) answer = await evaluate(command.evaluate, command.in);
    else await send("Target.closeTarget", { targetId: targets.get(command.close) });
    console.log(JSON.stringify({ answer }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
socket.close();
