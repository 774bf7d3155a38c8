/** What the sender puts on the wire, in how many writes, and what it refuses to put there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HTTPOutputError } from "#room/protocol/fields/errors";
import type { HTTP1Output } from "#room/protocol/http1/output";
import type { HTTP1OutputErrorCode } from "#room/protocol/http1/output-errors";
import { HTTP1Sender, type ResponseContext } from "#room/protocol/http1/sender";
import { octets, tellRequests, tellResponse } from "../../support/http1.js";

/** Remembers every write as the octets that Node would make of it. */
class Wire implements HTTP1Output {
  readonly writes: string[] = [];
  hasRoom = true;
  #corked = 0;
  #isNew = true;

  send(data: string | Uint8Array, encoding: "latin1" | "utf8" = "utf8"): boolean {
    const text = Buffer.from(data as string, encoding).toString("latin1");
    if (this.#corked > 0 && !this.#isNew) this.writes[this.writes.length - 1] += text;
    else this.writes.push(text);
    this.#isNew = false;
    return this.hasRoom;
  }

  cork(): void {
    this.#corked++;
    this.#isNew = true;
  }

  uncork(): void {
    this.#corked--;
  }

  /** Everything since the last call, after checking the number of writes. */
  take(writes: number): string {
    assert.equal(this.#corked, 0);
    assert.equal(this.writes.length, writes);
    return this.writes.splice(0).join("");
  }
}

function make(): { wire: Wire; sender: HTTP1Sender } {
  const wire = new Wire();
  return { wire, sender: new HTTP1Sender(wire) };
}

const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };
const NO_CONTENT = { version: "HTTP/1.1", code: 204, reason: "No Content" };
const NOT_MODIFIED = { version: "HTTP/1.1", code: 304, reason: "Not Modified" };
const GET: ResponseContext = { method: "GET", version: "HTTP/1.1", keepAlive: true };
const GET_CLOSE: ResponseContext = { method: "GET", version: "HTTP/1.1", keepAlive: false };
const GET_10: ResponseContext = { method: "GET", version: "HTTP/1.0", keepAlive: false };
const GET_10_KEEP: ResponseContext = { method: "GET", version: "HTTP/1.0", keepAlive: true };
const HEAD: ResponseContext = { method: "HEAD", version: "HTTP/1.1", keepAlive: true };

function refuses(code: HTTP1OutputErrorCode, work: () => unknown): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof HTTPOutputError);
    assert.equal(error.code, code);
    return true;
  });
}

test("respond() sends head and small text in one write and adds Content-Length", () => {
  const { wire, sender } = make();
  assert.equal(sender.state, "idle");
  assert.equal(sender.respond(OK, ["Server", "s", "X-A", "b"], GET, "hello"), true);
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nServer: s\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello");
  assert.equal(sender.state, "ended");
  assert.equal(sender.keepAlive, true);
});

test("respond() counts bytes, not characters, and sends text as UTF-8 in one write", () => {
  const { wire, sender } = make();
  sender.respond(OK, [], GET, "h\u00e9\u2603");
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nh\xc3\xa9\xe2\x98\x83");
});

test("respond() sends small bytes with the head in one write, every octet as it is", () => {
  const { wire, sender } = make();
  const body = Uint8Array.from({ length: 256 }, (_, i) => i);
  sender.respond(OK, [], GET, body);
  assert.equal(
    wire.take(1),
    `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${Buffer.from(body).toString("latin1")}`,
  );
  sender.respond(OK, [], GET, new Uint8Array(body.buffer, 65, 3));
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nABC");
});

test("respond() does not copy a large body, and corks it to the head", () => {
  for (const body of [Buffer.alloc(100_000, 0x61), "a".repeat(100_000), "\u00e9".repeat(50_000)]) {
    const { wire, sender } = make();
    const sent: unknown[] = [];
    const send = wire.send.bind(wire);
    wire.send = (data, encoding) => {
      sent.push(data);
      return send(data, encoding);
    };
    sender.respond(OK, [], GET, body);
    assert.equal(
      wire.take(1),
      `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${Buffer.from(body as string).toString("latin1")}`,
    );
    assert.equal(sent[1], body);
  }
});

test("respond() without a body sends Content-Length: 0", () => {
  const { wire, sender } = make();
  sender.respond(OK, [], GET);
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
});

test("beginResponse() is complete after one write when Content-Length equals the chunk", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, ["Content-Length", "5"], GET, "hello");
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  assert.equal(sender.end(), true);
  assert.equal(sender.end(), true);
  wire.take(0);
});

test("beginResponse() with Content-Length sends pieces as they are", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, ["content-length", "10"], GET, "01234");
  sender.write("");
  sender.write(Buffer.from("56"));
  sender.write("789");
  sender.end();
  assert.equal(wire.take(3), "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789");
});

test("beginResponse() without a length is chunked for 1.1, one write for each piece", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, ["X", "y"], GET, "hello ");
  sender.write("w\u00f6rld");
  sender.write(Buffer.from("!"));
  sender.write("");
  sender.write(new Uint8Array(0));
  sender.end();
  assert.equal(
    wire.take(4),
    "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n6\r\nw\xc3\xb6rld\r\n1\r\n!\r\n0\r\n\r\n",
  );
});

test("write() of a large chunk corks its size line and end to it", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, [], GET);
  wire.take(1);
  sender.write(Buffer.alloc(0x10000, 0x61));
  assert.equal(wire.take(1), `10000\r\n${"a".repeat(0x10000)}\r\n`);
});

test("end() sends trailers behind a chunked body, and drops them behind any other", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, [], GET, "x");
  sender.end(["X-T", "1", "X-U", "\xe9"]);
  assert.ok(wire.take(2).endsWith("1\r\nx\r\n0\r\nX-T: 1\r\nX-U: \xe9\r\n\r\n"));
  sender.beginResponse(OK, ["Content-Length", "1"], GET, "x");
  sender.end(["X-T", "1"]);
  assert.ok(wire.take(1).endsWith("\r\n\r\nx"));
});

test("end() refuses trailers that a recipient would ignore, or that would end a line", () => {
  for (const trailers of [
    ["Content-Length", "1"],
    ["host", "a"],
    ["X y", "z"],
    ["X", "a\r\nY: b"],
    ["X", "\u0100"],
  ]) {
    const { sender } = make();
    sender.beginResponse(OK, [], GET, "x");
    refuses("ERR_SQUALL_HTTP_OUTPUT_TRAILER", () => sender.end(trailers));
    assert.equal(sender.end(), true);
  }
});

test("case 16: a 205 says that its body is empty, and refuses one as a 204 does", () => {
  const reset = { version: "HTTP/1.1", code: 205, reason: "Reset Content" } as const;
  const { wire, sender } = make();
  for (const begin of [() => sender.respond(reset, [], GET), () => sender.beginResponse(reset, [], GET)]) {
    begin();
    sender.end();
    assert.equal(wire.take(1), "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
  }
  sender.respond(reset, ["Transfer-Encoding", "chunked"], GET);
  assert.equal(wire.take(1), "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
  sender.respond(reset, ["Content-Length", "0"], { ...GET, method: "HEAD" });
  assert.equal(wire.take(1), "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
  const code = "ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY";
  assert.throws(() => sender.respond(reset, [], GET, "x"), { code });
  assert.throws(() => sender.respond(reset, ["Content-Length", "1"], GET), { code });
  assert.throws(() => sender.beginResponse(reset, [], GET, "x"), { code });
  wire.take(0);
  sender.beginResponse(reset, [], GET);
  wire.take(1);
  assert.throws(() => sender.write("x"), { code });
  wire.take(0);
});

test("a response without length to HTTP/1.0 ends with the connection", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, [], GET_10_KEEP, "ab");
  sender.write("c");
  sender.end();
  assert.equal(wire.take(2), "HTTP/1.1 200 OK\r\n\r\nabc");
  assert.equal(sender.keepAlive, false);
});

test("respond() confirms HTTP/1.0 keep-alive, announces HTTP/1.1 close, and says nothing where the default holds", () => {
  const { wire, sender } = make();
  const heads: readonly (readonly [ResponseContext, readonly string[], string, boolean])[] = [
    [GET, [], "", true],
    [GET_CLOSE, [], "Connection: close\r\n", false],
    [GET_10, [], "", false],
    [GET_10_KEEP, [], "Connection: Keep-Alive\r\n", true],
    [GET, ["Connection", "x, Close"], "", false],
    [GET_10_KEEP, ["Connection", "close"], "", false],
    [GET_CLOSE, ["Connection", "close"], "", false],
    [GET_10_KEEP, ["Connection", "keep-alive"], "", true],
  ];
  for (const [context, fields, line, keepAlive] of heads) {
    sender.respond(OK, fields, context);
    const given = fields.length === 0 ? "" : `${fields[0]}: ${fields[1]}\r\n`;
    assert.equal(wire.take(1), `HTTP/1.1 200 OK\r\n${given}Content-Length: 0\r\n${line}\r\n`);
    assert.equal(sender.keepAlive, keepAlive);
  }
});

test("case 31: a response to HEAD keeps its Content-Length and never has a body", () => {
  const { wire, sender } = make();
  sender.respond(OK, [], HEAD, "hello");
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  sender.beginResponse(OK, ["Content-Length", "10"], HEAD, "01234");
  sender.write("more than ten octets of body");
  sender.end();
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  sender.beginResponse(OK, [], HEAD, "x");
  sender.end(["X-T", "1"]);
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\n\r\n");
});

test("case 31: 204 and 304 refuse a body before anything is sent, and another response can follow", () => {
  for (const line of [NO_CONTENT, NOT_MODIFIED]) {
    const { wire, sender } = make();
    refuses("ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY", () => sender.respond(line, [], GET, "x"));
    refuses("ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY", () => sender.beginResponse(line, [], GET, "x"));
    wire.take(0);
    assert.equal(sender.state, "idle");
    sender.respond(OK, [], GET, "x");
    assert.equal(sender.state, "ended");
  }
});

test("case 31: write() after the head of a 204 sends nothing and fails the message", () => {
  const { wire, sender } = make();
  sender.beginResponse(NO_CONTENT, [], GET);
  refuses("ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY", () => sender.write("x"));
  assert.equal(wire.take(1), "HTTP/1.1 204 No Content\r\n\r\n");
  assert.equal(sender.state, "failed");
});

test("respond() leaves Content-Length and Transfer-Encoding out of a 204, and keeps the length of a 304", () => {
  const { wire, sender } = make();
  sender.respond(NO_CONTENT, ["Content-Length", "0", "X", "y"], GET);
  assert.equal(wire.take(1), "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n");
  sender.respond(NO_CONTENT, ["Transfer-Encoding", "chunked"], GET);
  assert.equal(wire.take(1), "HTTP/1.1 204 No Content\r\n\r\n");
  sender.respond(NOT_MODIFIED, ["Content-Length", "7"], GET);
  assert.equal(wire.take(1), "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
});

test("case 32: write() of more than Content-Length sends nothing of the piece and fails the message", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, ["Content-Length", "5"], GET, "123");
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_LONG", () => sender.write("456"));
  assert.ok(wire.take(1).endsWith("\r\n\r\n123"));
  assert.equal(sender.state, "failed");
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.write("4"));
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.end());
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.respond(OK, [], GET));
  wire.take(0);
});

test("case 32: more than Content-Length with the head is refused before anything is sent", () => {
  const { wire, sender } = make();
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_LONG", () =>
    sender.beginResponse(OK, ["Content-Length", "3"], GET, "1234"),
  );
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_LONG", () => sender.respond(OK, ["Content-Length", "0"], GET, "1"));
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", () => sender.respond(OK, ["Content-Length", "5"], GET, "1234"));
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", () => sender.respond(OK, ["Content-Length", "5"], GET));
  wire.take(0);
  assert.equal(sender.state, "idle");
});

test("case 32: end() with less than Content-Length fails the message", () => {
  const { wire, sender } = make();
  sender.beginResponse(OK, ["Content-Length", "5"], GET, "1234");
  refuses("ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT", () => sender.end());
  assert.equal(sender.state, "failed");
  wire.take(1);
});

test("write() and end() before a head, and a second head before the end, are refused", () => {
  const { wire, sender } = make();
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.write("x"));
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.end());
  sender.beginResponse(OK, [], GET);
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.beginResponse(OK, [], GET));
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.continue100());
  sender.end();
  refuses("ERR_SQUALL_HTTP_OUTPUT_STATE", () => sender.write("x"));
  wire.take(2);
});

test("framing fields that contradict themselves are refused before anything is sent", () => {
  const { wire, sender } = make();
  const lengths = [
    ["Content-Length", "+5"],
    ["Content-Length", ""],
    ["Content-Length", "5", "content-length", "5"],
    ["Content-Length", "9007199254740993"],
  ];
  for (const fields of [...lengths, ["Content-Length", "5", "Transfer-Encoding", "chunked"]]) {
    refuses("ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH", () => sender.beginResponse(OK, fields, GET));
  }
  for (const fields of [
    ["Transfer-Encoding", "gzip"],
    ["transfer-encoding", "chunked", "Transfer-Encoding", "chunked"],
  ]) {
    refuses("ERR_SQUALL_HTTP_OUTPUT_TRANSFER_ENCODING", () => sender.beginResponse(OK, fields, GET));
  }
  wire.take(0);
});

test("Transfer-Encoding: chunked from the application means the sender's own chunking", () => {
  const { wire, sender } = make();
  sender.respond(OK, ["Transfer-Encoding", "Chunked"], GET, "x");
  assert.equal(wire.take(2), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
});

test("case 86: reasons that would split the head, bad codes and bad versions are refused", () => {
  const { wire, sender } = make();
  const lines = [
    ...["a\r\nb", "\n", "\0", "\x7f", "\u0100", "a\rb"].map((reason) => ({ ...OK, reason })),
    ...[99, 1000, 200.5, Number.NaN, -1, "200" as unknown as number].map((code) => ({ ...OK, code })),
    ...["HTTP/2.0", "HTTP/1.1\r\n", "", "http/1.1"].map((version) => ({ ...OK, version })),
    ...[100, 102, 103, 199].map((code) => ({ ...OK, code })),
  ];
  for (const line of lines) {
    refuses("ERR_SQUALL_HTTP_OUTPUT_START_LINE", () => sender.respond(line, [], GET));
    refuses("ERR_SQUALL_HTTP_OUTPUT_START_LINE", () => sender.respond(line, [], GET));
  }
  wire.take(0);
});

test("status lines made of ever new reasons are checked each, and take no memory without end", () => {
  const { wire, sender } = make();
  for (let i = 0; i < 1000; i++) {
    sender.respond({ ...OK, reason: `r${i}` }, [], GET);
    assert.ok(wire.take(1).startsWith(`HTTP/1.1 200 r${i}\r\n`));
  }
  sender.respond({ ...OK, reason: "" }, [], GET);
  assert.ok(wire.take(1).startsWith("HTTP/1.1 200 \r\n"));
});

test("a 101 carries its fields and nothing of ours", () => {
  const { wire, sender } = make();
  const line = { version: "HTTP/1.1", code: 101, reason: "Switching Protocols" };
  sender.respond(line, ["Upgrade", "websocket", "Connection", "Upgrade"], GET_CLOSE);
  assert.equal(
    wire.take(1),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  );
});

test("case 45: continue100() and informational() come before the response", () => {
  const { wire, sender } = make();
  sender.continue100();
  sender.informational({ version: "HTTP/1.1", code: 103, reason: "Early Hints" }, [
    "Link",
    "x",
    "Content-Length",
    "5",
  ]);
  sender.respond(OK, [], GET);
  assert.equal(
    wire.take(3),
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  );
  for (const code of [101, 200, 99]) {
    refuses("ERR_SQUALL_HTTP_OUTPUT_START_LINE", () => sender.informational({ ...OK, code }, []));
  }
});

test("beginRequest() frames a body by Content-Length, else in chunks, and none at all without body", () => {
  const { wire, sender } = make();
  const line = { method: "POST", path: "/a?b", version: "HTTP/1.1" };
  sender.beginRequest(line, ["Host", "h"], { hasBody: false });
  sender.end();
  assert.equal(wire.take(1), "POST /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
  sender.beginRequest(line, ["Host", "h", "Content-Length", "2"], { hasBody: true }, "hi");
  sender.end();
  assert.equal(wire.take(1), "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  sender.beginRequest(line, ["Host", "h"], { hasBody: true });
  sender.write("hi");
  sender.end();
  assert.equal(
    wire.take(3),
    "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
  );
  assert.equal(sender.keepAlive, true);
  sender.beginRequest(line, ["Host", "h", "Connection", "close"], { hasBody: false });
  assert.equal(sender.keepAlive, false);
});

test("beginRequest() refuses a body that was not announced", () => {
  const { wire, sender } = make();
  const line = { method: "GET", path: "/", version: "HTTP/1.1" };
  refuses("ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY", () =>
    sender.beginRequest(line, [], { hasBody: false }, "x"),
  );
  const old = { ...line, version: "HTTP/1.0" };
  refuses("ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH", () => sender.beginRequest(old, [], { hasBody: true }));
  wire.take(0);
});

test("case 95: beginRequest() refuses methods and targets that would split the head, before any octet", () => {
  const { wire, sender } = make();
  const good = { method: "GET", path: "/", version: "HTTP/1.1" };
  const lines = [
    ...["G T", "", "G\r\nT", "G\0", "G\u0100", "G:"].map((method) => ({ ...good, method })),
    ...["/a b", "", "/\r\nX: y", "/\n", "/\0", "/\u0100", "/\u010a", "/\xe9", "/#f", '/"', "/\t"].map(
      (path) => ({ ...good, path }),
    ),
    { ...good, version: "HTTP/1.1\r\nX: y" },
  ];
  for (const line of lines) {
    refuses("ERR_SQUALL_HTTP_OUTPUT_START_LINE", () => sender.beginRequest(line, [], { hasBody: false }));
  }
  wire.take(0);
  assert.equal(sender.state, "idle");
});

test("sending methods pass on what the output says about room", () => {
  const { wire, sender } = make();
  wire.hasRoom = false;
  assert.equal(sender.respond(OK, [], GET, "x"), false);
  assert.equal(sender.beginResponse(OK, [], GET), false);
  assert.equal(sender.write("x"), false);
  assert.equal(sender.write(Buffer.alloc(100_000)), false);
  assert.equal(sender.end(), false);
});

test("what the sender sends, the receiver reads back", () => {
  const pieces = fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array()), { maxLength: 5 });
  fc.assert(
    fc.property(pieces, fc.boolean(), fc.boolean(), (chunks, isWithLength, isRequest) => {
      const { wire, sender } = make();
      const body = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
      const fields = isWithLength ? ["Host", "h", "Content-Length", String(body.length)] : ["Host", "h"];
      if (isRequest)
        sender.beginRequest({ method: "PUT", path: "/", version: "HTTP/1.1" }, fields, { hasBody: true });
      else sender.beginResponse(OK, fields, GET);
      for (const chunk of chunks) sender.write(chunk);
      sender.end();
      const input = [octets(wire.writes.join(""))];
      const told = isRequest ? tellRequests(input) : tellResponse(input);
      const rest =
        body.length === 0 ? [{ end: undefined }] : [{ body: body.toString("latin1") }, { end: undefined }];
      assert.deepEqual(told.slice(1), rest);
    }),
    { numRuns: 500 },
  );
});

test("a 2xx to CONNECT carries no framing, since a tunnel follows", () => {
  const { wire, sender } = make();
  const connect: ResponseContext = { method: "CONNECT", version: "HTTP/1.1", keepAlive: true };
  sender.respond(OK, ["Content-Length", "0"], connect);
  assert.equal(wire.take(1), "HTTP/1.1 200 OK\r\n\r\n");
  sender.respond({ ...OK, code: 405, reason: "No" }, [], connect);
  assert.equal(wire.take(1), "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
});

test("a head is its own, whatever heads with some of its lines were sent or refused before", () => {
  const { wire, sender } = make();
  const lines = ["A", "B", "C", "D"].map((name) => [name, "1"]);
  let fresh = 0;
  const many = Array.from({ length: 50 }, (_, i) => [`N${i}`, "1"]);
  const heads = [
    ...[[0, 1, 2, 3], [0], [0, 1, 2, 3], [1], [1, 2, 3], [], [0, 1], [3, 2, 1, 0], [0, 1, 2, 3]].map((head) =>
      head.map((i) => lines[i]!),
    ),
    many,
    many.slice(0, 40),
    many,
  ];
  /** The same head with another second line, one that no head had before. */
  const withFreshLine = (fields: string[][]) => [
    ...fields.slice(0, 1),
    ["X-Fresh", String(fresh++)],
    ...fields.slice(2),
  ];
  const check = (startLine: typeof OK, fields: string[][]) => {
    sender.respond(startLine, fields.flat(), GET);
    const expected = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    assert.equal(
      wire.take(1),
      `HTTP/1.1 ${startLine.code} ${startLine.reason}\r\n${expected}Content-Length: 0\r\n\r\n`,
    );
  };
  for (const startLine of [OK, { ...OK, code: 404 }, OK]) {
    for (const fields of heads) {
      check(startLine, fields);
      check(startLine, withFreshLine(fields));
      check(startLine, fields);
      // Refused after its lines were read.
      assert.throws(() => sender.respond(startLine, [...fields.flat(), "Content-Length", "x"], GET));
      check(startLine, fields);
    }
  }
});

test("field lines that are remembered are those of their own name and value", () => {
  const name = fc.constantFrom("Etag", "Date", "Edit", "X-A", "X-B", "Y-A", "Server");
  const value = fc.constantFrom("", "1", "2", "x".repeat(64), "x".repeat(65));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 30 }), (fields) => {
      const wire = new Wire();
      const context = { method: "GET", version: "HTTP/1.1", keepAlive: true };
      new HTTP1Sender(wire).respond({ version: "HTTP/1.1", code: 200, reason: "OK" }, fields.flat(), context);
      const lines = fields.map(([key, text]) => `${key}: ${text}\r\n`).join("");
      assert.equal(wire.take(1), `HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`);
    }),
  );
});
