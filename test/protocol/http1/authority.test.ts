/** Hosts and ports, as the Host field and targets carry them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAuthorityForm, isHostAndPort } from "#room/protocol/http1/authority";
import { cpuTime } from "../../support/cpu-time.js";

const WITH_PORT = [
  "a:80",
  "example.com:8080",
  "127.0.0.1:1",
  "[::1]:65535",
  "[v1.x:y]:0",
  "a%41:00080",
  "a_b~!$&'()*+,;=:1",
];
const WITHOUT_PORT = [
  "a",
  "example.com",
  "EXAMPLE.com",
  "127.0.0.1",
  "[::1]",
  "[fe80::1]",
  "%41",
  "a;b",
  "xn--bcher-kva",
  "a.",
];
const OPEN_PORT = ["a:", "[::1]:"];
const WRONG = [
  ...["a b", "a/b", "u@a", "a?b", "a#b", 'a"b', "a\\b", "a:b", "a:80:80", "a:-1", "a:+1", "a: 1", ":80", ":"],
  ...[
    "[",
    "[]",
    "[::1",
    "[::1]a",
    "::1",
    "a[b]",
    "a]",
    "[::1%25eth0]",
    "[a/b]",
    "%",
    "%4",
    "%zz",
    "a%4g",
    "a\tb",
    "a\0",
    "caf\xe9",
    "a\u0100",
    "a\n",
  ],
];

test("isHostAndPort() accepts a host with a port, an open port or none, and the empty text", () => {
  for (const text of [...WITH_PORT, ...WITHOUT_PORT, ...OPEN_PORT, ""])
    assert.equal(isHostAndPort(text), true, text);
  for (const text of WRONG) assert.equal(isHostAndPort(text), false, JSON.stringify(text));
});

test("isAuthorityForm() accepts a host with a port and nothing less", () => {
  for (const text of WITH_PORT) assert.equal(isAuthorityForm(text), true, text);
  for (const text of [...WITHOUT_PORT, ...OPEN_PORT, ...WRONG, ""])
    assert.equal(isAuthorityForm(text), false, JSON.stringify(text));
});

test("case 11: isHostAndPort() refuses what could poison a link", () => {
  for (const host of [
    "",
    "a",
    "a.b:80",
    "a:999999",
    "a:",
    "[::1]:8080",
    "[::ffff:1.2.3.4]",
    "a_b",
    "a%20b",
    "xn--nxasmq6b",
    "-a-",
  ]) {
    assert.equal(isHostAndPort(host), true, host);
  }
  for (const host of [
    "a b",
    "a/b",
    "a@b",
    "u:p@h",
    "a?b",
    "a#b",
    'a"b',
    "a\\b",
    "a%zz",
    "a%2",
    "[::1",
    "::1",
    "a:b",
    "a:80:90",
    ":80",
    "é",
    "a\n",
    "a,b:x",
  ]) {
    assert.equal(isHostAndPort(host), false, host);
  }
});

test("isHostAndPort() takes linear time", () => {
  const started = cpuTime();
  isHostAndPort(`${"a".repeat(65_536)}/`);
  isHostAndPort("%".repeat(65_536));
  isHostAndPort(`[${":".repeat(65_536)}`);
  assert.ok(cpuTime() - started < 500);
});
