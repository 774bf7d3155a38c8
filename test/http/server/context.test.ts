/** What proxy fields make of a peer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forwarded } from "#room/http/server/context";
import { AddressSet } from "#room/net/address-set";
import { HTTPHeaders } from "#room/protocol/fields/headers";

const peer = { remoteIp: "10.0.0.1", protocol: "http" };
const trusted = new AddressSet(["10.0.0.0/8"]);

function seen(fields: Record<string, string>): string {
  const { remoteIp, protocol } = forwarded(peer, new HTTPHeaders(fields), trusted);
  return `${protocol} ${remoteIp}`;
}

test("an address in X-Forwarded-For or X-Real-Ip may have brackets and a port", () => {
  for (const [entry, address] of [
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:5000", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    [" 192.0.2.1:80 ", "192.0.2.1"],
  ] as const) {
    assert.equal(seen({ "X-Forwarded-For": entry }), `http ${address}`);
    assert.equal(seen({ "X-Forwarded-For": `${entry}, 10.0.0.7:99` }), `http ${address}`);
    assert.equal(seen({ "X-Real-Ip": entry }), `http ${address}`);
  }
});

test("an entry that holds no address is ignored", () => {
  for (const entry of [
    "",
    "unknown",
    "_hidden",
    "[2001:db8::1",
    "192.0.2.1:x",
    "1.2.3.4.5:80",
    "[192.0.2.1]x",
  ])
    assert.equal(seen({ "X-Forwarded-For": entry }), "http 10.0.0.1", entry);
});

test("a protocol may be spelled in any case", () => {
  for (const name of ["X-Forwarded-Proto", "X-Scheme"]) {
    assert.equal(seen({ [name]: "HTTPS" }), "https 10.0.0.1");
    assert.equal(seen({ [name]: "http, Https" }), "https 10.0.0.1");
    assert.equal(seen({ [name]: "ftp" }), "http 10.0.0.1");
  }
});
