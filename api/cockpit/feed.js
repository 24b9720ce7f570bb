// Asks the server again and again; says what came, or that nothing did.

const EVERY_MS = 2000;
const PATIENCE_MS = 5000;

/**
 * Poll `address` for ever.
 * @param answered called with each document
 * @param failed called with "database" or "server" after each failure
 */
export async function follow(address, answered, failed) {
  for (;;) {
    let document = null;
    let away = "server";
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const body = await response.json();
      if (response.ok) document = body;
      else if (body.type === "urn:citybrain:problem:database") away = "database";
    } catch {
      // Refused, timed out, or no JSON: somebody else answers where the server was.
    }
    if (document) answered(document);
    else failed(away);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
