import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { emptyArguments } from "#room/protocol/body/form";
import { type FileMap, parseMultipartFormData } from "#room/protocol/body/multipart";
import { MultipartReader, type MultipartReaderConfig } from "#room/protocol/body/multipart-reader";
import "../../support/guard.js";

interface Read {
  readonly name: string;
  readonly filename: string | undefined;
  readonly body: string;
}

/** Reads a body in pieces, as text. */
function read(pieces: readonly Buffer[], config: MultipartReaderConfig = {}, boundary = "b"): Read[] {
  const reader = new MultipartReader(boundary, config);
  const parts: { name: string; filename: string | undefined; body: Buffer[]; ended: boolean }[] = [];
  for (const piece of pieces) {
    for (const event of reader.feed(piece)) {
      const last = parts.at(-1);
      if (event.kind === "part") {
        assert.ok(last === undefined || last.ended, "a part began before the one before it had ended");
        parts.push({ name: event.head.name, filename: event.head.filename, body: [], ended: false });
      } else if (event.kind === "data") {
        assert.ok(last?.ended === false && event.data.length > 0);
        last.body.push(Buffer.from(event.data));
      } else {
        assert.equal(last?.ended, false);
        last!.ended = true;
      }
    }
  }
  reader.end();
  return parts.map(({ name, filename, body }) => ({
    name,
    filename,
    body: Buffer.concat(body).toString("latin1"),
  }));
}

/** What the parser of whole bodies makes of it, as one list; fields of one name keep their order. */
function whole(body: Buffer): Read[] {
  const args = emptyArguments();
  const files: FileMap = Object.create(null);
  parseMultipartFormData("b", body, args, files);
  return [
    ...Object.keys(args).flatMap((name) =>
      args[name]!.map((value) => ({ name, filename: undefined, body: value.toString("latin1") })),
    ),
    ...Object.keys(files).flatMap((name) =>
      files[name]!.map((file) => ({ name, filename: file.filename, body: file.body.toString("latin1") })),
    ),
  ];
}

const sorted = (parts: readonly Read[]): Read[] =>
  [...parts].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const part = (name: string, body: string, filename?: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? "" : `; filename="${filename}"`}\r\n\r\n${body}\r\n`;

const FORM = Buffer.from(
  `preamble\r\n${part("a", "1")}${part("f", "line\r\n--bogus\r\n--b text\r\n-", "x.txt")}--b  \t\r\nContent-Disposition: form-data; name=e\r\n\r\n\r\n--b--\r\nepilogue --b\r\n`,
);

const outcome = <T>(run: () => T): T | "refused" => {
  try {
    return run();
  } catch (error) {
    assert.equal((error as { status?: number }).status, 400, String(error));
    return "refused";
  }
};

describe("MultipartReader", () => {
  test("reads the same however the body is cut: whole, octet by octet, at every point", () => {
    const expected = [
      { name: "a", filename: undefined, body: "1" },
      { name: "f", filename: "x.txt", body: "line\r\n--bogus\r\n--b text\r\n-" },
      { name: "e", filename: undefined, body: "" },
    ];
    assert.deepEqual(read([FORM]), expected);
    assert.deepEqual(read([...FORM].map((octet) => Buffer.from([octet]))), expected);
    for (let at = 0; at <= FORM.length; at++) {
      assert.deepEqual(read([FORM.subarray(0, at), FORM.subarray(at)]), expected, `cut at ${at}`);
    }
  });

  test("an empty line before the first field of a part belongs to its head, as in a body that is there whole", () => {
    const octets = Buffer.from(`--b\r\n\r\n${part("a", "v").slice("--b\r\n".length)}--b--`);
    const expected = sorted(whole(octets));
    assert.equal(expected.length, 1);
    for (let at = 0; at <= octets.length; at++) {
      assert.deepEqual(sorted(read([octets.subarray(0, at), octets.subarray(at)])), expected, `cut at ${at}`);
    }
  });

  test("agrees with the parser of whole bodies about any body", () => {
    const token = fc.constantFrom(
      "--b",
      "\r\n",
      "--",
      "-",
      "\r",
      "\n",
      " ",
      "x",
      "--b\r\n",
      "\r\n--b--",
      'Content-Disposition: form-data; name="n"',
      "\r\n\r\n",
      part("a", "v"),
      part("f", "v", "file"),
    );
    const body = fc.array(token, { maxLength: 24 }).map((tokens) => Buffer.from(tokens.join("")));
    fc.assert(
      fc.property(body, fc.array(fc.nat(64), { maxLength: 8 }), (octets, sizes) => {
        const pieces: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(octets.subarray(at, at + size));
          at += size;
        }
        pieces.push(octets.subarray(at));
        const streamed = outcome(() => read(pieces));
        const atOnce = outcome(() => whole(octets));
        assert.deepEqual(
          streamed === "refused" ? streamed : sorted(streamed),
          atOnce === "refused" ? atOnce : sorted(atOnce),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test("case 74, case 75: a part without name or head, too many parts, a long head and a missing end are refused", () => {
    for (const [body, config] of [
      ["--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", {}],
      ["--b\r\nContent-Disposition: form-data; name=a\r\n--b--\r\n", {}],
      [`${part("a", "1")}${part("a", "2")}--b--`, { maxParts: 1 }],
      [`${part("a".repeat(100), "1")}--b--`, { maxPartHeaderSize: 50 }],
      [`--b\r\n${"x".repeat(100)}`, { maxPartHeaderSize: 50 }],
      [part("a", "1"), {}],
      ["", {}],
    ] as const) {
      const error = { code: "ERR_SQUALL_INVALID_MULTIPART", status: 400 };
      assert.throws(() => read([Buffer.from(body)], config), error, body);
    }
    for (const boundary of ["", "x".repeat(71)]) {
      assert.throws(() => new MultipartReader(boundary), { code: "ERR_SQUALL_INVALID_MULTIPART" });
    }
  });

  test("a part over maxPartSize is 413, and one of exactly that size is taken", () => {
    const body = Buffer.from(`${part("a", "12345")}--b--`);
    assert.equal(read([body], { maxPartSize: 5 })[0]?.body, "12345");
    assert.throws(() => read([body], { maxPartSize: 4 }), { status: 413 });
  });

  test("case 78: almost-boundaries without end cost linear time and keep no more than a delimiter", () => {
    const reader = new MultipartReader("b".repeat(70));
    const flood = Buffer.from(`\r\n--${"b".repeat(69)}`.repeat(500));
    reader.feed(Buffer.from(`--${"b".repeat(70)}\r\nContent-Disposition: form-data; name=a\r\n\r\n`));
    const began = performance.now();
    let size = 0;
    for (let i = 0; i < 200; i++) {
      for (const event of reader.feed(flood)) if (event.kind === "data") size += event.data.length;
    }
    assert.ok(performance.now() - began < 2000);
    assert.ok(flood.length * 200 - size < 100, "more was kept than a delimiter");
  });
});
