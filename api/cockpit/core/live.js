// The live stream, shared by all tabs: one of them is connected and passes on what it hears.
// (HTTP/1.1 allows a browser six connections to a server: with one each, the sixth tab would be the last to load.)

const KINDS = ["hello", "alert", "latest", "health", "presence", "reset", "end"];
const AGAIN_MS = 5000; // after a refusal; EventSource comes back by itself only from lost connections

/**
 * Hear what happens, each event of an alert once, whichever tab is connected.
 * @param address of the stream; tabs that give the same one share a connection
 * @param heard called with the kind of each event, and its data
 * @param from number of an event: those after it are heard, too
 * @returns a function that ends it
 */
export function listen(address, heard, from) {
  const tabs = new BroadcastChannel(address);
  const over = new AbortController();
  let last = from; // the newest event that this tab knows of; another tab may have heard it
  let source = null;
  let again = null;

  function hear({ kind, id, data }) {
    if (kind === "join") {
      if (source) tabs.postMessage({ kind: "position", id: last });
      return;
    }
    const known = kind === "alert" && id <= last;
    last = kind === "reset" ? id : Math.max(last, id);
    if (!known && kind !== "position") heard(kind, data);
  }

  function connect() {
    const url = new URL(address, location);
    url.searchParams.set("last_event_id", last);
    source = new EventSource(url);
    for (const kind of KINDS) {
      source.addEventListener(kind, (message) => {
        const id = Number(message.lastEventId);
        const data = JSON.parse(message.data);
        const event = { kind, id, data };
        hear(event);
        tabs.postMessage(event);
      });
    }
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(connect, AGAIN_MS * (1 + Math.random()));
    });
  }

  function disconnect() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  /** Whoever holds the lock is connected; when that tab goes, the browser gives the lock to another. */
  const lead = () => new Promise((resolve) => {
    connect();
    over.signal.addEventListener("abort", resolve);
  });

  /** Browsers have locks on pages by HTTPS, or of this machine, only: elsewhere the tabs that are seen are connected. */
  function followSight() {
    if (document.hidden) disconnect();
    else if (!source) connect();
  }

  tabs.onmessage = ({ data }) => hear(data);
  tabs.postMessage({ kind: "join" });
  if (navigator.locks) navigator.locks.request(address, { signal: over.signal }, lead).catch(() => {}); // it ended before its turn
  else {
    document.addEventListener("visibilitychange", followSight, { signal: over.signal });
    followSight();
  }
  return () => {
    over.abort();
    disconnect();
    tabs.close();
  };
}
