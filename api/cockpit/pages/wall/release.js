// Whether the server has other files than those that this page was made of.

const WITHIN = /\/assets\/([^/"]+)\//; // the version in the address of each file

/** Load the page anew if it does; without an answer it stays as it is. */
export async function renew() {
  const answer = await fetch("/wall", { cache: "no-store" }).catch(() => null);
  const shell = answer?.ok ? await answer.text() : "";
  const offered = WITHIN.exec(shell)?.[1];
  if (offered && offered !== WITHIN.exec(import.meta.url)[1]) location.reload();
}
