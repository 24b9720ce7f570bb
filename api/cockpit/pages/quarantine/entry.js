// One entry of the quarantine: where it came from, what is wrong, its bytes.

import { now } from "../../core/clock.js";
import { number, short } from "../../core/format.js";
import { html, nothing } from "../../core/lit.js";
import { say } from "../../core/words.js";

const BYTES = 48; // shown as bytes; the text shows more
const LINE = 16; // bytes of a line

/** The entry; its bytes are folded. */
export const entry = (one) =>
  html`<article class="entry">
    <header>
      <span class="num">${short(one.received, now())}</span> <code class="ell" title="${one.topic}">${one.topic}</code
      ><span class="muted num">${say("quarantine.bytes", { n: number(one.size) })}</span>
    </header>
    <p>${one.detail}</p>
    <pre>${one.text}${one.truncated ? " …" : nothing}</pre>
    <details>
      <summary>${say("quarantine.as_bytes")}</summary>
      <pre>${dump(one.payload)}</pre>
    </details>
  </article>`;

/** The first bytes in hexadecimal, 16 a line with their offset and what of them is ASCII. */
function dump(payload) {
  const bytes = Uint8Array.from(atob(payload).slice(0, BYTES), (letter) => letter.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < bytes.length; at += LINE) {
    const part = [...bytes.slice(at, at + LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(3 * LINE - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}
