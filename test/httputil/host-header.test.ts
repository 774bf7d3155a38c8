import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPHeaders, HTTPInputError, HTTPServerRequest } from "squall/httputil";

function request(version: string, ...hosts: string[]): HTTPServerRequest {
  const headers = new HTTPHeaders();
  for (const host of hosts) headers.add("Host", host);
  return new HTTPServerRequest({ method: "GET", uri: "/", version, headers });
}

test("case 10, 11: a request without Host, with several or with a malformed one is refused with status 400", () => {
  for (const hosts of [[], ["a", "b"], ["a", "a"], ["a b"], ["a/b"], ["u@h"], ["a:b"], ["[::1"]]) {
    assert.throws(
      () => request("HTTP/1.1", ...hosts),
      { name: "HTTPInputError", status: 400 },
      hosts.join(" and "),
    );
  }
  assert.throws(() => request("HTTP/1.0", "a", "a"), HTTPInputError);
});

test("HTTP/1.0 without Host means 127.0.0.1", () => {
  assert.equal(request("HTTP/1.0").host, "127.0.0.1");
  assert.equal(request("HTTP/1.0", "a:80").host, "a:80");
});
