import assert from "node:assert/strict";
import test from "node:test";

const load = (name) => import(`${process.env.COCKPIT}/pages/overview/${name}.js`);
const { Order } = await load("order");
const { listed, summary, total } = await load("summary");
const { folded } = await import(`${process.env.COCKPIT}/parts/flood.js`);

const NOW = Date.parse("2026-11-22T00:00:00Z");
const at = (minutes) => new Date(NOW + minutes * 60_000).toISOString();
const alert = (id, severity, more = {}) => ({
  id, severity, rule: "water.burst", handling: "accepted", raised_at: at(-5), due_at: at(10), shelved_until: null, maintained_until: null, ...more,
});

test("alerts are counted by severity and age, and what waits for somebody", () => {
  const counts = summary([
    alert(1, 1, { handling: "new", due_at: at(-1) }),
    alert(2, 1, { raised_at: at(-60) }),
    alert(3, 4, { handling: "new", raised_at: at(-2000), shelved_until: at(60), due_at: at(-1) }),
  ], NOW);
  assert.deepEqual(counts.open, { 1: 2, 2: 0, 3: 0, 4: 1 });
  assert.deepEqual(counts.waiting, { 1: 1, 2: 0, 3: 0, 4: 0 });
  assert.deepEqual(counts.late, { 1: 1, 2: 0, 3: 0, 4: 0 });
  assert.deepEqual(counts.ages[0], [1, 0, 1, 0, 0]);
  assert.deepEqual(counts.ages[3], [0, 0, 0, 0, 1]);
  assert.equal(counts.worst, 1);
  assert.equal(total(counts.open), 3);
});

test("a city in which nothing waits has no worst severity", () => {
  assert.equal(summary([alert(1, 2)], NOW).worst, null);
});

test("lists of what waits and of what is late", () => {
  const alerts = [alert(1, 1, { handling: "new" }), alert(2, 2, { due_at: at(-1) }), alert(3, 3, { due_at: null })];
  assert.deepEqual(listed(alerts, "all", NOW).map(({ id }) => id), [1, 2, 3]);
  assert.deepEqual(listed(alerts, "new", NOW).map(({ id }) => id), [1]);
  assert.deepEqual(listed(alerts, "late", NOW).map(({ id }) => id), [2]);
});

test("a flood folds yellow and blue alerts by rule where the first is, red and orange ones never", () => {
  const alerts = [alert(1, 1), alert(2, 2), alert(3, 3), alert(4, 3, { rule: "air.aqi" }), alert(5, 4)];
  const told = (opened) => folded(alerts, new Set(opened)).map((row) => (row.fold ? [row.severity, row.count] : row.id));

  assert.deepEqual(told([]), [1, 2, [3, 2], 4], "of one alone there is nothing to fold");
  assert.deepEqual(told(["water.burst"]), [1, 2, [3, 2], 3, 5, 4], "opened, they stand below their row");
});

test("the queue stands still while it is held, and says how much has changed", () => {
  const order = new Order();
  order.take([alert(1, 2), alert(2, 3)]);
  order.hold(true);
  order.take([alert(9, 1), alert(2, 3, { handling: "new" })]);
  assert.deepEqual(order.shown.map(({ id }) => id), [1, 2]);
  assert.ok(order.shown[0].gone);
  assert.equal(order.shown[1].handling, "new");
  assert.equal(order.changes, 2);
  order.apply();
  assert.deepEqual(order.shown.map(({ id }) => id), [9, 2]);
  assert.equal(order.changes, 0);
});

test("let go, it takes its order at once", () => {
  const order = new Order();
  order.hold(true);
  order.take([alert(2, 3)]);
  order.hold(false);
  assert.deepEqual(order.shown.map(({ id }) => id), [2]);
});
