import assert from "node:assert/strict";
import test from "node:test";

const { OVERVIEW, Rotation } = await import(`${process.env.COCKPIT}/pages/wall/rotation.js`);

const EVERY = 20_000;
const FREE = { held: false, lost: false };
const rotation = (pages = [OVERVIEW, "water", "air"]) => new Rotation(pages, EVERY);

test("pages follow each other, and after the last the first", () => {
  const one = rotation();
  const shown = [0, 19_000, 20_000, 39_000, 40_000, 60_000].map((now) => one.at(now, FREE));
  assert.deepEqual(shown, [OVERVIEW, OVERVIEW, "water", "water", "air", OVERVIEW]);
  assert.equal(one.next, 80_000);
});

test("an unjudged red alert shows the overview until it is judged, which then stays its whole time", () => {
  const one = rotation();
  one.at(0, FREE);
  assert.equal(one.at(20_000, FREE), "water");
  assert.equal(one.at(21_000, { held: true, lost: false }), OVERVIEW);
  assert.equal(one.next, null);
  assert.equal(one.at(99_000, { held: true, lost: false }), OVERVIEW);
  assert.equal(one.at(100_000, FREE), OVERVIEW);
  assert.equal(one.at(119_000, FREE), OVERVIEW);
  assert.equal(one.at(120_000, FREE), "water");
});

test("a red alert is shown on the overview even where that is not among the pages", () => {
  const one = rotation(["water", "air"]);
  one.at(0, FREE);
  assert.equal(one.at(1_000, { held: true, lost: false }), OVERVIEW);
  one.at(2_000, FREE);
  assert.equal(one.at(22_000, FREE), "water");
});

test("without a connection the picture stays", () => {
  const one = rotation();
  one.at(0, FREE);
  one.at(20_000, FREE);
  assert.equal(one.at(50_000, { held: false, lost: true }), "water");
  assert.equal(one.at(60_000, FREE), "water");
  assert.equal(one.at(80_000, FREE), "air");
});

test("a single page does not turn", () => {
  const one = rotation([OVERVIEW]);
  one.at(0, FREE);
  assert.equal(one.at(EVERY, FREE), OVERVIEW);
  assert.equal(one.next, null);
});
