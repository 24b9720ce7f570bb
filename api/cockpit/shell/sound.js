// Red alerts that nobody has judged are heard: two tones every ten seconds, and seen in the title of the tab.
// All tabs of a browser are one desk: one of them sounds, and muting mutes them all.

import { everySecond, now } from "../core/clock.js";
import { redraw } from "../core/draw.js";
import { hm } from "../core/format.js";
import { store } from "../core/store.js";
import { say } from "../core/words.js";

const EVERY_MS = 10_000;
const MUTE_MS = 120_000; // this desk only; muting is not judging
const TONES = [880, 660]; // Hz
const TONE_S = 0.25;
const LOUDNESS = 0.15;
const MUTED = "citybrain.muted"; // until when, in ms by the server's clock
const SOUNDED = "citybrain.sounded"; // when a tab of this desk sounded last, likewise

let context = null; // an AudioContext; browsers forbid it before a person has done something

const kept = (name) => Number(localStorage.getItem(name) ?? 0);

const isOn = () => context?.state === "running";

/** Let the browser play sound, if it lets us. */
function allow() {
  context ??= new AudioContext();
  return context.resume().then(redraw);
}

/** As `allow`, with a tone that tells that it works; must be called from a click. */
export function unlock() {
  allow().then(play);
}

/** Be silent at this desk for two minutes. */
export function mute() {
  localStorage.setItem(MUTED, String(now() + MUTE_MS));
  redraw();
}

/** Whether sound is allowed and on, and what to say of it. */
export function soundState() {
  const muted = kept(MUTED) > now();
  const title = !isOn()
    ? say("frame.sound_off")
    : muted
      ? say("frame.muted", { time: hm(kept(MUTED)) })
      : say("frame.sound_on");
  return { on: isOn(), muted, title };
}

/** Whether an alert calls for somebody: it is red, holds on, and nobody has judged or silenced it. */
export const calls = (alert) =>
  alert.severity === 1 && alert.handling === "new" && alert.raised && !alert.shelved_until && !alert.maintained_until;

const waiting = () => [...store.alerts.values()].filter(calls).length;

function play() {
  if (!isOn()) return;
  TONES.forEach((frequency, index) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.value = LOUDNESS;
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + index * TONE_S);
    tone.stop(context.currentTime + (index + 1) * TONE_S);
  });
}

/** The title of the tab, with the red alerts that wait before that of the page. */
export function titled(page) {
  const red = waiting();
  const title = page ? `${page} - ${say("title")}` : say("title");
  return red ? `◆${red} ${say("severity.short_1")} ${say("handling.new")} - ${title}` : title;
}

everySecond((moment) => {
  const since = moment - kept(SOUNDED);
  if (!waiting() || !isOn() || kept(MUTED) > moment || (since >= 0 && since < EVERY_MS)) return;
  localStorage.setItem(SOUNDED, String(moment));
  play();
});

// Whatever a person does first on a page that was loaded anew is enough for the browser.
for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, allow, { once: true });
