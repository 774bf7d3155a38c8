/** The opening handshake of a server: RFC 6455 §4.2, and the cases of the list of attacks that concern it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import { WebSocketHandshakeError } from "#room/protocol/websocket/errors";
import { acceptValue, isWebSocketKey, newWebSocketKey } from "#room/protocol/websocket/handshake/accept-key";
import { isSameOrigin } from "#room/protocol/websocket/handshake/origin";
import {
  answerFields,
  type ClientHandshake,
  readClientHandshake,
} from "#room/protocol/websocket/handshake/server-handshake";

type Fields = readonly (readonly [name: string, value: string])[];

/** The example of RFC 6455 §1.2, without Origin. */
const GOOD: Fields = [
  ["Host", "server.example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Version", "13"],
];

const without = (name: string): Fields => GOOD.filter(([other]) => other !== name);
const withField = (name: string, value: string): Fields => [...without(name), [name, value]];
const more = (...fields: Fields): Fields => [...GOOD, ...fields];

interface Shape {
  readonly method?: string;
  readonly version?: string;
  readonly allows?: (origin: string) => boolean;
}

function read(
  fields: Fields,
  { method = "GET", version = "HTTP/1.1", allows = () => false }: Shape = {},
): ClientHandshake {
  return readClientHandshake({ method, version, headers: HTTPHeaders.fromRaw(fields.flat()) }, allows);
}

function refusal(fields: Fields, shape?: Shape): WebSocketHandshakeError {
  try {
    read(fields, shape);
  } catch (error) {
    assert.ok(error instanceof WebSocketHandshakeError, String(error));
    assert.equal(error.code, "ERR_SQUALL_WEBSOCKET_HANDSHAKE");
    return error;
  }
  return assert.fail("the handshake was accepted");
}

describe("the accept value", () => {
  test("is that of the example of RFC 6455 §1.3", () => {
    assert.equal(acceptValue("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  test("belongs to a key of 16 octets in base64", () => {
    for (let i = 0; i < 50; i++) assert.ok(isWebSocketKey(newWebSocketKey()));
    assert.notEqual(newWebSocketKey(), newWebSocketKey());
    for (const key of [
      "",
      "x",
      "dGhlIHNhbXBsZSBub25jZQ=",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZR==", // bits behind the last octet
      "dGhlIHNhbXBsZSBub25jZQ== ",
      "dGhlIHNhbXBsZSBub25j", // 15 octets
      "dGhlIHNhbXBsZSBub25jZXg=", // 17 octets
      "dGhlIHNhbXBsZSBub25-ZQ==",
    ]) {
      assert.equal(isWebSocketKey(key), false, key);
    }
  });
});

describe("a request for an upgrade", () => {
  test("is accepted as in the example of RFC 6455 §1.2, and answered as there", () => {
    const handshake = read(
      more(["Sec-WebSocket-Protocol", "chat, superchat"], ["Origin", "http://example.com"]),
      {
        allows: (origin) => origin === "http://example.com",
      },
    );
    assert.deepEqual(handshake, {
      key: "dGhlIHNhbXBsZSBub25jZQ==",
      subprotocols: ["chat", "superchat"],
      extensions: [],
    });
    assert.deepEqual(answerFields(handshake, { subprotocol: "chat" }), [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
      ["Sec-WebSocket-Protocol", "chat"],
    ]);
    assert.equal(answerFields(handshake).length, 3);
  });

  test("case 47: needs GET, HTTP/1.1, one Host and one key", () => {
    assert.equal(refusal(GOOD, { method: "POST" }).status, 400);
    assert.equal(refusal(GOOD, { method: "get" }).status, 400);
    for (const version of ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 "]) {
      assert.equal(refusal(GOOD, { version }).status, 400, version);
    }
    assert.ok(read(GOOD, { version: "HTTP/1.2" }));
    assert.equal(refusal(without("Host")).status, 400);
    assert.equal(refusal(more(["Host", "b"])).status, 400);
    assert.equal(refusal(without("Sec-WebSocket-Key")).status, 400);
    assert.equal(refusal(more(["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="])).status, 400);
    for (const key of ["", "x", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA==,"]) {
      assert.equal(refusal(withField("Sec-WebSocket-Key", key)).status, 400, key);
    }
  });

  test("case 48: of another version than 13 gets 426 and the version that is spoken", () => {
    for (const fields of [
      without("Sec-WebSocket-Version"),
      ...["8", "7", "14", "", "13, 8", "013", "13.0"].map((version) =>
        withField("Sec-WebSocket-Version", version),
      ),
    ]) {
      const { status, fields: answer } = refusal(fields);
      assert.equal(status, 426);
      assert.equal(answer["Sec-WebSocket-Version"], "13");
      assert.equal(answer.Upgrade, "websocket");
      assert.equal(answer.Connection, "Upgrade");
    }
    assert.equal(refusal(more(["Sec-WebSocket-Version", "13"])).status, 400);
  });

  test("case 49: needs Upgrade and Connection, which are lists in upper or lower case", () => {
    for (const fields of [
      without("Upgrade"),
      without("Connection"),
      withField("Upgrade", "websockets"),
      withField("Upgrade", "h2c"),
      withField("Upgrade", ""),
      withField("Connection", "keep-alive"),
      withField("Connection", "upgraded"),
      withField("Connection", '"Upgrade"'),
    ]) {
      assert.equal(refusal(fields).status, 400);
    }
    assert.ok(read(withField("Upgrade", "h2c, WebSocket")));
    assert.ok(read(withField("Connection", "keep-alive,\tUPGRADE ,")));
    assert.ok(read([...withField("Connection", "keep-alive"), ["Connection", "upgrade"]]));
  });

  test("case 50: from an origin that is not allowed gets 403, before its version is looked at", () => {
    assert.equal(refusal(more(["Origin", "http://evil.example"])).status, 403);
    assert.equal(refusal(more(["Sec-WebSocket-Origin", "http://evil.example"])).status, 403);
    assert.equal(
      refusal([...withField("Sec-WebSocket-Version", "8"), ["Origin", "http://evil.example"]]).status,
      403,
    );
    const asked: string[] = [];
    const allows = (origin: string) => {
      asked.push(origin);
      return origin === "http://a";
    };
    assert.equal(refusal(more(["Origin", "http://a"], ["Origin", "http://b"]), { allows }).status, 403);
    assert.ok(read(more(["Origin", "http://a"], ["Sec-WebSocket-Origin", "http://b"]), { allows }));
    assert.deepEqual(asked, ["http://a", "http://b", "http://a"]);
  });

  test("case 51: is answered with a subprotocol that was offered, or none", () => {
    const handshake = read(more(["Sec-WebSocket-Protocol", "a,, b"], ["Sec-WebSocket-Protocol", "c"]));
    assert.deepEqual(handshake.subprotocols, ["a", "b", "c"]);
    for (const subprotocol of ["d", "A", ""]) {
      assert.throws(() => answerFields(handshake, { subprotocol }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });

  test("with malformed or repeated subprotocols gets 400", () => {
    for (const value of ["a b", "a/b", "é", '"a"', "a,a", "", ",", "a;b"]) {
      assert.equal(refusal(more(["Sec-WebSocket-Protocol", value])).status, 400, value);
    }
  });

  test("with malformed extensions gets 400", () => {
    for (const value of [
      "",
      ",",
      "a b",
      "a;",
      "a; b=",
      'a; b="',
      'a; b="c d"',
      "a; b=c=d",
      "a=b",
      "é",
      ";a",
    ]) {
      assert.equal(refusal(more(["Sec-WebSocket-Extensions", value])).status, 400, value);
    }
  });

  test("case 51: 32 KB of commas and spaces are read in linear time", () => {
    for (const name of ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]) {
      for (const pattern of [",", " ", ", ", ",\t ", "a ", 'a;b="', "a;b=\\", '"\\']) {
        const started = process.hrtime.bigint();
        const value = `a${pattern.repeat(Math.floor(32_768 / pattern.length))}`.trim();
        try {
          read(more([name, value]));
        } catch (error) {
          assert.ok(error instanceof WebSocketHandshakeError);
        }
        const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
        assert.ok(milliseconds < 500, `${name} of ${JSON.stringify(pattern)} takes ${milliseconds} ms`);
      }
    }
  });
});

describe("isSameOrigin()", () => {
  test("case 50: is true for the host itself, with its port", () => {
    assert.equal(isSameOrigin("http://example.com", "example.com"), true);
    assert.equal(isSameOrigin("https://EXAMPLE.com:8443", "example.com:8443"), true);
    assert.equal(isSameOrigin("http://example.com", "Example.Com"), true);
    assert.equal(isSameOrigin("http://[::1]:80/path?query", "[::1]:80"), true);
    for (const [origin, host] of [
      ["null", "null"],
      ["", ""],
      ["http://", ""],
      ["example.com", "example.com"],
      ["http:example.com", "example.com"],
      ["http://example.com", "example.com:80"],
      ["http://example.com:81", "example.com:80"],
      ["http://example.com.evil.org", "example.com"],
      ["http://evil.org/example.com", "example.com"],
      ["http://example.com@evil.org", "example.com"],
      ["http://evil.org#example.com", "example.com"],
      ["http://evil.org\\@example.com", "example.com"],
    ] as const) {
      assert.equal(isSameOrigin(origin, host), false, `${origin} to ${host}`);
    }
  });
});
