import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBlock } from "#room/net/address";

const blockOf = (host: string) => addressBlock({ host, port: 1, family: host.includes(":") ? 6 : 4 });

test("addressBlock() counts an IPv4 address alone, also one that is mapped into IPv6", () => {
  assert.equal(blockOf("192.0.2.7"), "192.0.2.7");
  assert.equal(blockOf("::ffff:192.0.2.7"), "192.0.2.7");
});

test("addressBlock() counts an IPv6 network of 64 bits as one, however its addresses are written", () => {
  for (const host of ["2001:db8:0:1::", "2001:db8:0:1::7", "2001:db8:0:1:ffff:2:3:4", "2001:0db8:0:01:a::"]) {
    assert.equal(blockOf(host), "2001:db8:0:1", host);
  }
  assert.equal(blockOf("::1"), "0:0:0:0");
  assert.equal(blockOf("1::8:7:6:5:4:3"), "1:0:8:7");
  assert.equal(blockOf("fe80::1%eth0"), "fe80:0:0:0");
  assert.notEqual(blockOf("2001:db8:0:2::7"), blockOf("2001:db8:0:1::7"));
});

test("addressBlock() knows no address of a unix socket", () => {
  assert.equal(addressBlock({ path: "" }), undefined);
});
