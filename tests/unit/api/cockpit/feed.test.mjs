import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";

const { follow } = await import(`${process.env.COCKPIT}/feed.js`);

const PROBLEM = JSON.stringify({ type: "urn:citybrain:problem:database", status: 503 });

test("it says who is away, and goes on by itself when they are back", async () => {
  const answers = [[200, '{"now": 1}'], [503, PROBLEM], [502, "<html>"], [200, '{"now": 2}']];
  const server = createServer((_, response) => {
    const [status, body] = answers.shift();
    response.writeHead(status).end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const heard = [];
  await new Promise((done) => {
    const hear = (what) => { if (heard.push(what) === 4) done(); };
    follow(`http://127.0.0.1:${server.address().port}/`, ({ now }) => hear(now), hear);
  });
  server.closeAllConnections();
  server.close();

  assert.deepEqual(heard, [1, "database", "server", 2]);
  // It follows for ever: nothing but the end of the process ends it.
  setTimeout(() => process.exit(), 10).unref();
});
