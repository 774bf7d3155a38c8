import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatParameters, parseParameters } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { splitAtSemicolons } from "#room/protocol/fields/parameters";
import { cpuTime } from "../../support/cpu-time.js";

const parametersOf = (text: string) => ({ ...parseParameters(`x; ${text}`).parameters });

test("parseParameters() gives the value and the parameters with lower-case names", () => {
  const { value, parameters } = parseParameters('Text/HTML; CHARSET="utf-8";q=1');
  assert.equal(value, "Text/HTML");
  assert.deepEqual({ ...parameters }, { charset: "utf-8", q: "1" });
  assert.equal(Object.getPrototypeOf(parameters), null);
});

test('quotes protect semicolons, and only \\" and \\\\ are escapes', () => {
  assert.deepEqual(parametersOf('a="x;y=\\";z"; b=2'), { a: 'x;y=";z', b: "2" });
  assert.deepEqual(parametersOf('a="x\\\\"; b=2'), { a: "x\\", b: "2" });
  assert.deepEqual(parametersOf('a="C:\\dir\\f.txt"'), { a: "C:\\dir\\f.txt" });
});

test("a quote that is never closed takes the rest and stays as it is", () => {
  assert.deepEqual(parametersOf('a="x; b=2'), { a: '"x; b=2' });
  assert.deepEqual(parametersOf('a="'), { a: '"' });
  assert.deepEqual(parametersOf('a="\\'), { a: '"\\' });
});

test("filename* is decoded by its charset and wins over filename, wherever it stands (RFC 8187)", () => {
  assert.deepEqual(parametersOf("filename*=UTF-8''na%C3%AFve%20%E2%98%83.txt; filename=fallback"), {
    filename: "naïve ☃.txt",
  });
  assert.deepEqual(parametersOf("filename=fallback; filename*=iso-8859-1'en'%E4"), { filename: "ä" });
  assert.deepEqual(parametersOf("a*=windows-1251''%CF%F0"), { a: "Пр" });
  assert.deepEqual(parametersOf("a*=utf-8''%ff"), { a: "\ufffd" });
  assert.deepEqual(parametersOf("a*=no-such-charset''%E9"), { a: "é" });
  assert.deepEqual(parametersOf("a*=plain"), { a: "plain" });
  assert.deepEqual(parametersOf("a*=utf-8''%zz%4"), { a: "%zz%4" });
});

test("continuations are joined in the order of their numbers (RFC 2231 §3)", () => {
  assert.deepEqual(parametersOf("a*1=bar; a*0=foo"), { a: "foobar" });
  assert.deepEqual(parametersOf("a*0*=utf-8''%E2%98; a*1*=%83; a*2=%41"), { a: "☃%41" });
  assert.deepEqual(parametersOf("a*10=z; a*9=y"), { a: "yz" });
});

test("names with an asterisk in another place are names like any other", () => {
  assert.deepEqual(parametersOf("*=1; a*b=2; a*-1=3; __proto__=4; __proto__*=utf-8''5"), {
    "*": "1",
    "a*b": "2",
    "a*-1": "3",
    ["__proto__"]: "5",
  });
});

test("case 20: 15,000 escaped semicolons, quotes or continuations take linear time", () => {
  const started = cpuTime();
  parseParameters(`x; a="${"\\;".repeat(15_000)}`);
  parseParameters(`x; a="${'\\"'.repeat(15_000)}"`);
  parseParameters(`x; a=${'"'.repeat(30_000)}`);
  parseParameters(";".repeat(64_000));
  parseParameters(`x${Array.from({ length: 5000 }, (_, i) => `; a*${5000 - i}*=%41`).join("")}`);
  assert.ok(cpuTime() - started < 1000);
});

test("formatParameters() quotes what is no token, and parseParameters() reads it back", () => {
  assert.equal(formatParameters("a", { b: "c", d: undefined, e: 'x"\\' }), 'a; b=c; d; e="x\\"\\\\"');
  const text = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,12}$/);
  const parameters = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), text);
  fc.assert(
    fc.property(parameters, (given) => {
      const read = parseParameters(formatParameters("value", given));
      assert.equal(read.value, "value");
      assert.deepEqual({ ...read.parameters }, { ...given });
    }),
  );
});

test("formatParameters() takes undefined and null as no value, and writes numbers out", () => {
  assert.equal(
    formatParameters("a", { b: undefined, c: null, d: 5, e: 1.5, f: 0 }),
    "a; b; c; d=5; e=1.5; f=0",
  );
});

test("formatParameters() refuses what would break the field", () => {
  for (const parameters of [{ a: "x\r\ny" }, { a: "\0" }, { a: "☃" }, { "a b": "x" }, { "": "x" }]) {
    assert.throws(() => formatParameters("v", parameters), InvalidArgumentError, JSON.stringify(parameters));
  }
});

test("splitAtSemicolons() loses nothing but semicolons and blanks", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab;"\\=*]{0,30}$/), (text) => {
      assert.equal(splitAtSemicolons(text).join(";"), text);
    }),
  );
});
