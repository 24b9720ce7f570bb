// Asks the server again and again; says what came, or that nothing did.

const EVERY_MS = 2000;
const PATIENCE_MS = 5000;

/** Ask `address` once: `{document}`, or `{away}`: "session" (signed out), "database" or "server". */
export async function ask(address) {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const document = await response.json();
    if (response.ok) return { document };
    if (response.status === 401) return { away: "session" };
    if (document.type === "urn:citybrain:problem:database") return { away: "database" };
  } catch {
    // Refused, timed out, or no JSON: somebody else answers where the server was.
  }
  return { away: "server" };
}

let wake = null;

/** Wait until it is time to ask again, or somebody is in a hurry. */
export const pause = () => new Promise((resolve) => {
  wake = resolve;
  setTimeout(resolve, EVERY_MS);
});

/** Ask again now. */
export const hurry = () => wake?.();

/**
 * Poll `address` until the session is over.
 * @param answered called with each document
 * @param failed called with "database" or "server" after each failure
 */
export async function follow(address, answered, failed) {
  for (;;) {
    const { document, away } = await ask(address);
    if (document) answered(document);
    else if (away === "session") return;
    else failed(away);
    await pause();
  }
}
