// What the frame says besides the page: new red alerts, and how late the screen is.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = { getItem: () => null, setItem: () => {} };
globalThis.document = { documentElement: {}, addEventListener: () => {}, createTreeWalker: () => {} };
globalThis.location = { origin: "http://city", pathname: "/", search: "", href: "http://city/" };
globalThis.addEventListener = () => {};
globalThis.setInterval = () => {}; // clocks would keep this process alive
const load = (path) => import(`${process.env.COCKPIT}/${path}`);
const { Herald } = await load("shell/herald.js");
const { changes, standing } = await load("pages/people/ask.js");

const reds = (...ids) => ids.map((id) => ({ id }));
const told = (alerts) => alerts.map(({ id }) => id);

test("red alerts that were there before are no news", () => {
  const herald = new Herald();
  herald.take(reds(1, 2));

  assert.deepEqual(herald.next(0), []);
});

test("new ones are spoken once, gathered within five seconds", () => {
  const herald = new Herald();
  herald.take([]);
  herald.take(reds(1));
  assert.deepEqual(told(herald.next(1000)), [1]);
  herald.take(reds(1, 2));
  herald.take(reds(1, 2, 3));

  assert.deepEqual(told(herald.next(5999)), []);
  assert.deepEqual(told(herald.next(6000)), [2, 3]);
  assert.deepEqual(told(herald.next(60_000)), []);
});

const person = {
  title: "李娜", role: "operator", regions: [{ id: "150802" }, { id: "150821" }], domains: null, crew: null, active: true,
};

test("of a person only what differs is changed; several regions stay as they are", () => {
  const before = standing(person);

  assert.equal(changes(before, { ...before }), null);
  assert.deepEqual(changes(before, { ...before, role: "engineer", active: false }), { role: "engineer", active: false });
  assert.deepEqual(changes(before, { ...before, region: "" }), { regions: null });
  assert.deepEqual(changes(before, { ...before, domain: "water" }), { domains: ["water"] });
});
