import assert from "node:assert/strict";
import test from "node:test";

const load = (name) => import(`${process.env.COCKPIT}/map/${name}.js`);
const { gather, spread } = await load("crowd");
const { names, numbers } = await load("columns");
const { gcj02 } = await load("datum");
const { CLEARED, NO_DATA, SEVERITY, SILENCED, STALE, States, stateOf, UNJUDGED } = await load("states");

const INDEX = new Map([["a", 0], ["b", 1]]);
const alert = (id, severity, more = {}) => ({
  id, severity, site: "a", subject: "a", open: true, raised: true, handling: "accepted", shelved_until: null, maintained_until: null, ...more,
});
const states = (bytes, alerts = { id: [], site: [], state: [] }) =>
  new States({ event: 1, states: Buffer.from(bytes).toString("base64"), alerts }, INDEX);

test("a byte says severity, judgement, condition and silence of an alert", () => {
  assert.equal(stateOf(alert(1, 2)), 2);
  assert.equal(stateOf(alert(1, 1, { handling: "new" })), 1 | UNJUDGED);
  assert.equal(stateOf(alert(1, 3, { raised: false, shelved_until: "2026-11-22T00:00:00Z" })), 3 | CLEARED | SILENCED);
});

test("a site shows its worst alert, and the next one when that is closed", () => {
  const found = states([0, 0]);
  assert.ok(found.take(alert(1, 3)));
  assert.ok(found.take(alert(2, 1)));
  assert.equal(found.bytes[0] & SEVERITY, 1);
  assert.ok(found.take(alert(2, 1, { open: false })));
  assert.equal(found.bytes[0] & SEVERITY, 3);
  assert.equal(found.bytes[1], 0);
});

test("alerts of the document count as those that were heard", () => {
  const found = states([2, 0], { id: [7, 8], site: [0, 0], state: [2, 4] });
  found.take(alert(7, 2, { open: false }));
  assert.equal(found.bytes[0], 4);
});

test("what is shelved is shown only where nothing else is", () => {
  const found = states([0, 0]);
  found.take(alert(1, 1, { shelved_until: "2026-11-22T00:00:00Z" }));
  assert.equal(found.bytes[0], 1 | SILENCED);
  found.take(alert(2, 4));
  assert.equal(found.bytes[0], 4);
});

test("an alert leaves alone whether a site is stale, and other sites", () => {
  const found = states([STALE, NO_DATA]);
  found.take(alert(1, 2));
  assert.deepEqual([...found.bytes], [STALE | 2, NO_DATA]);
  assert.equal(found.take(alert(2, 1, { site: "elsewhere" })), false);
});

test("boxes are pushed apart within the frame", () => {
  const boxes = Array.from({ length: 8 }, (_, index) => ({ x: 300 + index, y: 200, width: 110, height: 42 }));
  const frame = { left: 6, top: 44, right: 650, bottom: 420 };
  spread(boxes, frame);
  for (const [index, a] of boxes.entries()) {
    assert.ok(a.x - 55 >= frame.left && a.x + 55 <= frame.right && a.y - 21 >= frame.top && a.y + 21 <= frame.bottom);
    for (const b of boxes.slice(index + 1)) assert.ok(Math.abs(a.x - b.x) >= 110 || Math.abs(a.y - b.y) >= 42);
  }
});

test("of figures near to each other the worst stays and counts the others", () => {
  const at = (x, severity, state = severity) => ({ x, y: 0, severity, state, count: 1 });
  const found = gather([at(0, 4), at(10, 2), at(100, 3), at(15, 1, 1 | SILENCED)], 22);
  assert.deepEqual(found.map(({ x, count }) => [x, count]), [[10, 3], [100, 1]]);
});

test("GCJ-02 as the server converts it; abroad nothing is shifted", () => {
  const [longitude, latitude] = gcj02([107.417, 40.757]);
  assert.ok(Math.abs(longitude - 107.42260637) < 1e-8 && Math.abs(latitude - 40.75845783) < 1e-8);
  assert.deepEqual(gcj02([2.35, 48.86]), [2.35, 48.86]);
});

test("columns are unpacked as the server packed them", () => {
  assert.deepEqual(names("0pump-7\n58\n60\n0x"), ["pump-7", "pump-8", "pump-80", "x"]);
  assert.deepEqual(names(""), []);
  assert.deepEqual(numbers(btoa("\x01\xff\x00\x02\x00\x03")), [1, 255 + 2 * 256 + 3 * 65_536]);
});
