/** What a request makes of its target and its fields. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPHeaders, HTTPServerRequest } from "squall/httputil";

function request(uri: string, fields: readonly (readonly [string, string])[] = []): HTTPServerRequest {
  const headers = new HTTPHeaders({ Host: "site.test" });
  for (const [name, value] of fields) headers.add(name, value);
  return new HTTPServerRequest({ method: "GET", uri, version: "HTTP/1.1", headers });
}

test("case 1: an absolute target without a path means the root, with or without a query", () => {
  for (const [uri, path, query] of [
    ["http://host.test", "/", ""],
    ["http://host.test?q=1?2", "/", "q=1?2"],
    ["HTTPS://host.test:1/", "/", ""],
    ["http://host.test/a?", "/a", ""],
    ["/a?b=http://c", "/a", "b=http://c"],
    ["*", "*", ""],
  ] as const) {
    const { path: p, query: q, uri: sent } = request(uri);
    assert.deepEqual([p, q, sent], [path, query, uri]);
  }
});

test("case 11: several Cookie lines are one list of cookies", () => {
  const { cookies } = request("/", [
    ["Cookie", "a=1; sid=abc"],
    ["Cookie", "lang=de"],
  ]);
  assert.deepEqual({ ...cookies }, { a: "1", sid: "abc", lang: "de" });
});
