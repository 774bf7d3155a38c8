import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HTTPFile, HTTPInputError, type ParseMultipartConfig, parseMultipartFormData } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { encodePercent } from "#room/base/percent";
import { emptyArguments } from "#room/protocol/body/form";
import { cpuTime } from "../../support/cpu-time.js";

type Shown = Record<string, unknown>;

/** Parses latin1 text with the boundary B; values as latin1 text, files as `name|type|body`. */
function parse(text: string, config?: ParseMultipartConfig, boundary = "B"): Shown {
  const args = emptyArguments();
  const files: Record<string, HTTPFile[]> = Object.create(null);
  parseMultipartFormData(boundary, Buffer.from(text, "latin1"), args, files, { config });
  const shown: Shown = {};
  for (const [name, values] of Object.entries(args))
    shown[name] = values.map((value) => value.toString("latin1"));
  for (const [name, list] of Object.entries(files)) {
    shown[`${name}[]`] = list.map(
      (file) => `${file.filename}|${file.contentType}|${file.body.toString("latin1")}`,
    );
  }
  return shown;
}

const part = (name: string, value: string, more = "") =>
  `--B\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const END = "--B--\r\n";

describe("parseMultipartFormData()", () => {
  test("gives arguments and files, in any case of the names of its fields", () => {
    const text = `${part("a", "1")}${part("a", "2")}--B\r\ncontent-TYPE: text/plain\r\nCONTENT-disposition: Form-Data; NAME=f; filename="x.txt"\r\n\r\nline\r\nline\r\n${END}`;
    assert.deepEqual(parse(text), { a: ["1", "2"], "f[]": ["x.txt|text/plain|line\r\nline"] });
  });

  test("decodes filename*= (RFC 2231), takes quotes off the boundary, and leaves part bodies as bytes of no charset", () => {
    const text = `--a b\r\nContent-Disposition: form-data; name="f"; filename*=UTF-8''%E2%98%83.txt\r\n\r\n\xff\0\r\n--a b--`;
    const args = emptyArguments();
    const files: Record<string, HTTPFile[]> = Object.create(null);
    parseMultipartFormData('"a b"', Buffer.from(text, "latin1"), args, files);
    assert.equal(files.f![0]!.filename, "☃.txt");
    assert.deepEqual(files.f![0]!.body, Buffer.from([0xff, 0]));
    assert.equal(files.f![0]!.contentType, "application/unknown");
  });

  test("reads raw UTF-8 in names, and refuses a head that is not UTF-8", () => {
    assert.deepEqual(parse(part("\xc3\xa9", "1") + END), { é: ["1"] });
    assert.throws(() => parse(part("\xe9", "1") + END), { code: "ERR_SQUALL_INVALID_MULTIPART" });
  });

  test("an empty file name makes an argument, an empty value is one", () => {
    assert.deepEqual(parse(part("a", "", '; filename=""') + END), { a: [""] });
    assert.deepEqual(parse(`--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--`), { a: [""] });
    assert.deepEqual(parse(part("a", "\r\n\r\n") + END), { a: ["\r\n\r\n"] });
  });

  test("a delimiter counts only at the beginning of a line and with its line end; blanks may stand before that", () => {
    assert.deepEqual(parse(part("a", "x--B\r\n--Bx\r\n--B\ry\n--B--z") + END), {
      a: ["x--B\r\n--Bx\r\n--B\ry\n--B--z"],
    });
    assert.deepEqual(parse(`${part("a", "1")}--B \t\r\n${part("b", "2").slice(5)}${END}`), {
      a: ["1"],
      b: ["2"],
    });
  });

  test("case 75: what stands before the first and after the last delimiter is dropped, nested parts are not followed", () => {
    assert.deepEqual(parse(`preamble\r\n${part("a", "1")}--B-- epilogue\r\n${part("b", "2")}${END}`), {
      a: ["1"],
    });
    const nested = "--C\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--C--";
    assert.deepEqual(parse(part("a", nested) + END), { a: [nested] });
  });

  test("case 74: a body without end, boundary or name is refused, and nothing of it is handed over", () => {
    const args = emptyArguments();
    const files = Object.create(null);
    for (const text of [
      "",
      "junk",
      "--B",
      "--B\r\n",
      part("a", "1"),
      `${part("a", "1")}--B-`,
      `${part("a", "1")}--B\r\n\r\n`,
      `${part("a", "1")}${part("", "2")}${END}`,
      `${part("a", "1")}--B\r\nContent-Disposition: form-data; filename=f\r\n\r\n2\r\n${END}`,
      `${part("a", "1")}--B\r\nX: y\r\n\r\n2\r\n${END}`,
      `${part("a", "1")}--B\r\nContent-Disposition: attachment; name=b\r\n\r\n2\r\n${END}`,
      `${part("a", "1")}--B\r\nno head at all\r\n${END}`,
      `${part("a", "1")}--B\r\nno end${END}`,
    ]) {
      assert.throws(
        () => parseMultipartFormData("B", Buffer.from(text), args, files),
        { name: "HTTPInputError", status: 400 },
        text,
      );
    }
    assert.deepEqual([Object.keys(args), Object.keys(files)], [[], []]);
  });

  test("case 74: a boundary that is empty or longer than 70 characters is refused", () => {
    for (const boundary of ["", '""', "x".repeat(71)]) {
      assert.throws(
        () => parse(`--${boundary}--`, {}, boundary),
        { code: "ERR_SQUALL_INVALID_MULTIPART" },
        boundary,
      );
    }
    assert.deepEqual(parse(`--${"x".repeat(70)}--`, {}, "x".repeat(70)), {});
  });

  test("case 75: CR, NUL and bad names in a part's head are refused", () => {
    for (const head of ["X: a\rb", "X: a\0b", "X\0: a", "X : a", " X: a", "\x01: a"]) {
      const text = `--B\r\nContent-Disposition: form-data; name=a\r\n${head}\r\n\r\n1\r\n${END}`;
      // A line that begins with a blank continues the one before it; it is the first one that must not.
      if (head.startsWith(" ")) assert.deepEqual(Object.keys(parse(text)).length, 1);
      else assert.throws(() => parse(text), HTTPInputError, head);
    }
    assert.throws(() => parse(`--B\r\n X: a\r\n\r\n1\r\n${END}`), HTTPInputError);
  });

  test("case 75: 100 parts are taken, one more is refused, and the limits are settings", () => {
    const parts = (count: number) => part("a", "1").repeat(count) + END;
    assert.equal((parse(parts(100)).a as string[]).length, 100);
    assert.throws(() => parse(parts(101)), /too many parts: at most 100/);
    assert.equal((parse(parts(500), { maxParts: Infinity }).a as string[]).length, 500);
    assert.throws(() => parse(parts(1), { maxParts: 0 }), /too many parts/);
    assert.deepEqual(parse(END, { maxParts: 0 }), {});
    assert.throws(() => parse("--B\r\n".repeat(101) + END), /too many parts/);
  });

  test("case 75: a part's head over 10 KiB is refused, and the limit is a setting", () => {
    const head = 'Content-Disposition: form-data; name="a"';
    const padded = (size: number) =>
      `--B\r\n${head}\r\nX: ${"p".repeat(size - head.length - 5)}\r\n\r\n1\r\n${END}`;
    assert.deepEqual(parse(padded(10_240)), { a: ["1"] });
    assert.throws(() => parse(padded(10_241)), /head of a part is too large/);
    assert.deepEqual(parse(padded(99_999), { maxPartHeaderSize: Infinity }), { a: ["1"] });
    assert.throws(() => parse(part("a", "1") + END, { maxPartHeaderSize: head.length - 1 }), /too large/);
  });

  test("enabled: false refuses every body; settings that make no sense are the caller's fault", () => {
    assert.throws(() => parse(END, { enabled: false }), { code: "ERR_SQUALL_INVALID_MULTIPART" });
    for (const config of [
      { maxParts: -1 },
      { maxParts: 1.5 },
      { maxPartHeaderSize: Number.NaN },
      { enabled: 0 as unknown as boolean },
    ]) {
      assert.throws(() => parse(END, config), InvalidArgumentError);
    }
  });

  test("case 18: __proto__ as a name is plain data, also in an object with a prototype", () => {
    const args: Record<string, Buffer[]> = {};
    const files: Record<string, HTTPFile[]> = {};
    parseMultipartFormData(
      "B",
      Buffer.from(part("__proto__", "1") + part("__proto__", "2", "; filename=f") + END),
      args,
      files,
    );
    assert.deepEqual(Object.keys(args), ["__proto__"]);
    assert.deepEqual(Object.keys(files), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(args), Object.prototype);
  });

  test("values are views of the body, not copies", () => {
    const body = Buffer.from(part("a", "1") + END);
    const args = emptyArguments();
    parseMultipartFormData("B", body, args, Object.create(null));
    assert.equal(args.a![0]!.buffer, body.buffer);
    parseMultipartFormData("B", new Uint8Array(body), args, Object.create(null));
    assert.equal(args.a![1]!.toString(), "1");
  });

  test("reads back every form, and every byte that is cut off its end is missed", () => {
    const value = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 5 })
      .map((text) => encodePercent(text, { plus: true }));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
        const text = pairs.map(([n, v]) => part(n, v)).join("") + END;
        // A value may happen to hold a delimiter; a composer would choose another boundary.
        fc.pre(pairs.every(([, v]) => !v.includes("--B")));
        const expected: Record<string, string[]> = {};
        for (const [n, v] of pairs) addTo(expected, n, v);
        assert.deepEqual(parse(text), expected);
        for (let end = 0; end < text.length - 2; end++)
          assert.throws(() => parse(text.slice(0, end)), HTTPInputError);
      }),
      { numRuns: 50 },
    );
  });

  test("case 78: the search for the boundary is linear", () => {
    const started = cpuTime();
    for (const text of ["\r\n--\r\n--", "\r\n--B", "-", "\r\n", "--B\r\n", "\r\n--B "]) {
      assert.throws(
        () => parse(text.repeat(Math.ceil(4_000_000 / text.length)), { maxParts: 10 }),
        HTTPInputError,
      );
    }
    assert.throws(() => parse(`x${"-".repeat(4_000_000)}`, {}, "-".repeat(70)), HTTPInputError);
    assert.ok(cpuTime() - started < 3000);
  });
});

function addTo(map: Record<string, string[]>, name: string, value: string): void {
  const values = map[name] ?? [];
  values.push(value);
  map[name] = values;
}

test("case 76: a file name is data, and baseName leaves no folder in it", () => {
  const baseName = (filename: string) => new HTTPFile(filename, Buffer.alloc(0), "x/y").baseName;
  assert.equal(baseName("a.txt"), "a.txt");
  assert.equal(baseName("../../etc/passwd"), "passwd");
  assert.equal(baseName("C:\\dir\\a b.txt"), "a b.txt");
  assert.equal(baseName("/a\0b\n.txt"), "ab.txt");
  for (const filename of ["", "..", ".", "a/..", "a/", "\\", "\0", "/.\0."])
    assert.equal(baseName(filename), "", filename);
  const text = part("f", "1", '; filename="../a\\b"') + END;
  assert.deepEqual(parse(text), { "f[]": ["../a\\b|application/unknown|1"] });
});
