// Signing in and out. The click also lets the browser play sound, which it forbids before a person has done something.

import { Away, get, post, remove } from "../core/api.js";
import { html, render } from "../core/lit.js";
import { language, say } from "../core/words.js";

const WHY = ["unavailable", "refused", "unknown"];

/** Show the form in `place` until somebody has signed in. */
export async function signIn(place) {
  const options = await get("/session/options").catch(() => null);
  let said = comeBack();
  await new Promise((resolve) => {
    const draw = (busy = false) => render(form(options?.single_sign_on, said, busy, submit), place);
    async function submit(event) {
      event.preventDefault(); // the page's policy forbids forms that go anywhere
      const { name, password } = event.target.elements;
      said = "";
      draw(true);
      try {
        await post("/session", { name: name.value, password: password.value });
        resolve();
      } catch (error) {
        said = error instanceof Away ? say("sign_in.away") : error.message;
        draw();
        password.value = "";
        password.focus();
      }
    }
    draw();
    place.querySelector("input").focus();
  });
}

/** End the session, and leave nothing of it on the page. */
export async function signOut() {
  await remove("/session").catch(() => {}); // without a server the session stays, as the page will show
  location.assign("/");
}

/** Why the single sign-on sent somebody back here, if it did; said once. */
function comeBack() {
  const parameters = new URLSearchParams(location.search);
  const reason = parameters.get("sign_on");
  if (!reason) return "";
  parameters.delete("sign_on");
  history.replaceState(null, "", parameters.size ? `?${parameters}` : location.pathname);
  return WHY.includes(reason) ? say(`sign_in.${reason}`) : "";
}

const form = (singleSignOn, said, busy, submit) => html`<div class="app"><header class="top"><span class="brand">${say("title")}</span></header>
  <main class="page"><form class="panel sign-in" @submit=${submit}>
    <h1>${say("sign_in.title")}</h1>
    <label>${say("sign_in.name")}<input class="field" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required></label>
    <label>${say("sign_in.password")}<input class="field" name="password" type="password" autocomplete="current-password" maxlength="1024" required></label>
    <p role="alert" class="wrong">${said}</p>
    <button class="button primary" ?disabled=${busy}>${say("sign_in.begin")}</button>
    ${singleSignOn ? html`<a class="button" href="/api/v1/session/sign-on?lang=${language}">${say("sign_in.single_sign_on")}</a>` : ""}
  </form></main><footer class="foot"></footer></div>`;
