// The audit in words: who did what to what.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = { getItem: () => null, setItem: () => {} };
globalThis.document = { documentElement: {}, addEventListener: () => {}, createTreeWalker: () => {} };
globalThis.setInterval = () => {}; // clocks would keep this process alive
const load = (path) => import(`${process.env.COCKPIT}/${path}`);
const { deed, object } = await load("pages/platform/audit.js");
const { actor } = await load("parts/actor.js");

test("actions are told in words, and one that is new here by its name", () => {
  assert.equal(deed("alert.confirm"), "确认属实");
  assert.equal(deed("session.begin"), "登录");
  assert.equal(deed("city.rename"), "city.rename");
});

test("what has a page is linked", () => {
  assert.deepEqual(object("alert.confirm", "alert 7"), { text: "告警 7", href: "/alerts/7" });
  assert.deepEqual(object("device.rotate", "device 150802/water/gw-7"), {
    text: "设备 150802/water/gw-7",
    href: "/devices/150802/water/gw-7",
  });
});

test("what has none is only told", () => {
  assert.deepEqual(object("session.begin", "person admin"), { text: "用户 admin", href: null });
  assert.deepEqual(object("maintenance.end", "maintenance window 3"), { text: "维护窗口 3", href: null });
  assert.deepEqual(object("alert.bulk", "12 alerts"), { text: "12 项告警", href: null });
  assert.deepEqual(object("duty.start", "duty"), { text: "值班", href: null });
  assert.deepEqual(object("device.sync", "repair"), { text: "repair", href: null });
});

test("nobody who may come in is told as such, without a name", () => {
  assert.equal(object("session.refuse", "nobody who has tries left").text, "无此用户");
});

test("quarantine is replayed by reason, or all of it", () => {
  assert.equal(object("quarantine.replay", "invalid_json").text, "不是 JSON");
  assert.equal(object("quarantine.replay", "all").text, "全部隔离数据");
});

test("actors other than people are told by what they are", () => {
  assert.equal(actor("li.na"), "li.na");
  assert.equal(actor("command:root"), "命令行 root");
  assert.equal(actor("token:grafana"), "令牌 grafana");
  assert.equal(actor("nobody"), "未登录者");
});
