/** The environment of a request (PEP 3333), as far as it is text. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders, HTTPServerRequest, type HTTPServerRequestOptions } from "squall/httputil";
import {
  fromWsgiStr,
  toWsgiStr,
  WSGIContainer,
  type WSGIContainerOptions,
  type WSGIEnviron,
} from "squall/wsgi";
import { FakeConnection } from "../support/fake-exchange.js";

function environ(
  request: HTTPServerRequestOptions & { fields?: [string, string][] },
  options?: WSGIContainerOptions,
): WSGIEnviron | undefined {
  const headers = new HTTPHeaders({ Host: "example.com" });
  for (const [name, value] of request.fields ?? []) headers.add(name, value);
  const made = new HTTPServerRequest({ method: "GET", uri: "/", version: "HTTP/1.1", headers, ...request });
  return new WSGIContainer("module:app", options).environ(made);
}

describe("environ()", () => {
  test("decodes the path to one character for each octet, and leaves the query alone", () => {
    const { PATH_INFO, QUERY_STRING, REQUEST_URI, SCRIPT_NAME } = environ({
      uri: "/caf%C3%A9%2Fa%zz+b?x=%2F&y",
    })!;
    assert.deepEqual(
      { PATH_INFO, QUERY_STRING, REQUEST_URI, SCRIPT_NAME },
      {
        PATH_INFO: "/caf\u00c3\u00a9/a%zz+b",
        QUERY_STRING: "x=%2F&y",
        REQUEST_URI: "/caf%C3%A9%2Fa%zz+b?x=%2F&y",
        SCRIPT_NAME: "",
      },
    );
  });

  test("splits the host into name and port, which is that of the protocol by default", () => {
    const hosts = ["example.com", "example.com:8080", "example.com:", "[::1]", "[::1]:81", "[::1]:", ""];
    assert.deepEqual(
      hosts.map((host) => {
        const found = environ({ headers: new HTTPHeaders({ Host: host }) })!;
        return [found.SERVER_NAME, found.SERVER_PORT, found.HTTP_HOST];
      }),
      [
        ["example.com", "80", "example.com"],
        ["example.com", "8080", "example.com:8080"],
        ["example.com", "80", "example.com:"],
        ["[::1]", "80", "[::1]"],
        ["[::1]", "81", "[::1]:81"],
        ["[::1]", "80", "[::1]:"],
        // WSGI has no empty name.
        ["127.0.0.1", "80", ""],
      ],
    );
    const secure = environ({
      connection: new FakeConnection({ peer: { remoteIp: "1.2.3.4", protocol: "https" } }),
    })!;
    assert.deepEqual(
      [secure.SERVER_PORT, secure["wsgi.url_scheme"], secure.REMOTE_ADDR, secure.REMOTE_PORT],
      ["443", "https", "1.2.3.4", undefined],
    );
  });

  test("takes the host from an absolute target, which wins over the field (RFC 9112 section 3.2.2)", () => {
    const found = environ({ uri: "http://other.example:81/path?q" })!;
    assert.deepEqual(
      [found.HTTP_HOST, found.SERVER_NAME, found.SERVER_PORT, found.PATH_INFO, found.QUERY_STRING],
      ["other.example:81", "other.example", "81", "/path", "q"],
    );
  });

  test("gives Content-Type and Content-Length names of their own, and joins repeated fields", () => {
    const found = environ({
      fields: [
        ["Content-Type", "text/plain"],
        ["Content-Length", "5"],
        ["X-Two", "a"],
        ["x-two", "b"],
        ["Cookie", "a=1"],
        ["Cookie", "b=2"],
      ],
    })!;
    assert.deepEqual(
      Object.fromEntries(Object.entries(found).filter(([name]) => /^(HTTP|CONTENT)_/.test(name))),
      {
        CONTENT_TYPE: "text/plain",
        CONTENT_LENGTH: "5",
        HTTP_COOKIE: "a=1; b=2",
        HTTP_HOST: "example.com",
        HTTP_X_TWO: "a,b",
      },
    );
  });

  test("leaves out what an application would take for something else", () => {
    const found = environ({
      fields: [
        ["X_User", "evil"],
        ["Content_Length", "7"],
        ["Proxy", "evil.example"],
        ["Transfer-Encoding", "chunked"],
        ["X-User", "good"],
      ],
    })!;
    assert.deepEqual(
      Object.keys(found).filter((name) => /^(HTTP|CONTENT)_/.test(name)),
      ["HTTP_HOST", "HTTP_X_USER"],
    );
    assert.equal(found.HTTP_X_USER, "good");
    assert.equal(Object.getPrototypeOf(found), null);
  });

  test("leaves the length of a body out that was unpacked on its way", () => {
    const found = environ({
      fields: [
        ["Content-Length", "20"],
        ["X-Consumed-Content-Encoding", "gzip"],
      ],
    })!;
    assert.equal(found.CONTENT_LENGTH, undefined);
  });

  test("splits the path at scriptName, by whole segments of the decoded path", () => {
    const at = (uri: string): (string | undefined)[] => {
      const found = environ({ uri }, { scriptName: "/old/shop" });
      return [found?.SCRIPT_NAME, found?.PATH_INFO];
    };
    assert.deepEqual(at("/old/shop/a"), ["/old/shop", "/a"]);
    assert.deepEqual(at("/old/shop"), ["/old/shop", ""]);
    assert.deepEqual(at("/%6fld/shop/"), ["/old/shop", "/"]);
    for (const uri of ["/old/shopping", "/old", "/", "/old%2Fsho"])
      assert.deepEqual(at(uri), [undefined, undefined]);
  });

  test("has an empty path for OPTIONS *", () => {
    assert.equal(environ({ method: "OPTIONS", uri: "*" })!.PATH_INFO, "");
  });
});

test("WSGI's text stands for octets, in both directions", () => {
  assert.equal(toWsgiStr("\u00e9"), "\u00c3\u00a9");
  assert.equal(toWsgiStr(Buffer.of(0, 255)), "\u0000\u00ff");
  assert.deepEqual(fromWsgiStr("\u0000\u00ff"), Buffer.of(0, 255));
});
