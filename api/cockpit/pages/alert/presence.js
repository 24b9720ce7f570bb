// Who else looks at the alert. Saying that one looks is repeated while the page is open and seen.

import { get, put } from "../../core/api.js";
import { redraw } from "../../core/draw.js";
import { html, nothing } from "../../core/lit.js";
import { on, store } from "../../core/store.js";
import { say } from "../../core/words.js";

const EVERY_MS = 15_000; // as docs/live.md says; who is silent for 40 seconds is gone

/** Look at an alert, until `close()`; `people`: all who look, as the server knows. */
export function attend(id) {
  const present = { people: [] };
  const take = ({ people }) => {
    present.people = people;
    redraw();
  };
  const mayTell = store.me.kind === "person" && store.me.role !== "viewer";
  const look = () => {
    if (document.hidden) return;
    const asked = mayTell ? put(`/alerts/${id}/presence`) : get(`/alerts/${id}/presence`);
    asked.then(take, () => {}); // without an answer nobody is shown as gone or come
  };
  const timer = setInterval(look, EVERY_MS);
  const end = on("presence", (data) => data.alert === id && take(data));
  look();
  return Object.assign(present, {
    close() {
      clearInterval(timer);
      end();
    },
  });
}

/** Those of them who are somebody else. */
export function onlookers({ people }) {
  const others = people.filter(({ name }) => name !== store.me.name);
  if (!others.length) return nothing;
  const names = others.map((one) => one.title || one.name).join(say("list"));
  return html`<p class="onlookers" role="status"><i></i>${say("alert.looks", { names })}</p>`;
}
