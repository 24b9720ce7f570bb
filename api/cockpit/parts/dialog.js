// A dialog that asks for something and answers with it, or with null if it is left.

import { html, render } from "../core/lit.js";
import { say } from "../core/words.js";

/**
 * Ask.
 * @param title what for; `about`: what it is about, in small
 * @param fields draws what is asked for; called again by `again()`, which it is given
 * @param verb of the button that sends
 * @param answer gives what was answered, or null where something is missing; `hint()`: what will happen then
 * @param keyed told of keys that are pressed outside of fields
 */
export function ask({ title, about, fields, verb, answer, hint = () => "", keyed = () => {} }) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  let answered = null;
  const send = (event) => {
    event.preventDefault();
    answered = answer();
    if (answered) dialog.close();
  };
  const draw = () =>
    render(
      html`<form method="dialog" @submit=${send}><h2>${title} <small>${about}</small></h2>${fields(draw)}
      <footer><span class="sub grow">${hint()}</span><button type="button" class="button"
        @click=${() => dialog.close()}>${say("cancel")} <kbd>Esc</kbd></button>
        <button class="button primary">${verb} <kbd>Enter</kbd></button></footer></form>`,
      dialog,
    );
  dialog.addEventListener("keydown", (event) => {
    if (!event.target.closest("input:not([type=radio]), textarea, select") && !event.ctrlKey && !event.metaKey)
      keyed(event.key, draw);
  });
  document.body.append(dialog);
  draw();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answered);
    });
  });
}
