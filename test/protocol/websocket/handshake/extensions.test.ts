/** The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Extension,
  formatExtension,
  parseExtensions,
} from "#room/protocol/websocket/handshake/extensions";

test("the examples of RFC 6455 §9.1 are read", () => {
  assert.deepEqual(parseExtensions("foo"), [{ name: "foo", parameters: [] }]);
  assert.deepEqual(parseExtensions("bar; baz=2"), [
    { name: "bar", parameters: [{ name: "baz", value: "2" }] },
  ]);
  assert.deepEqual(parseExtensions("foo, bar; baz=2")?.length, 2);
});

test("parameters keep their order and repeats, quoted values lose their quotes", () => {
  assert.deepEqual(parseExtensions('a;b;b=c ; d="e\\f" ,g'), [
    {
      name: "a",
      parameters: [
        { name: "b", value: undefined },
        { name: "b", value: "c" },
        { name: "d", value: "ef" },
      ],
    },
    { name: "g", parameters: [] },
  ]);
});

test("what the grammar does not allow is not read", () => {
  for (const text of [
    "",
    " ",
    ",",
    "a b",
    "a;",
    "a;;b",
    "a;b=",
    'a;b=""',
    'a;b="c d"',
    'a;b="c',
    'a;b="c\\',
    'a;b="c"d',
    "a;b=c d",
    "a=b",
    "a/b",
    "a;b=(",
    "é",
    '"a"',
    "a\u0100",
  ]) {
    assert.equal(parseExtensions(text), undefined, text);
  }
});

test("what was written is read back, with blanks and empty elements wherever they may stand", () => {
  const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.!~"), minLength: 1, maxLength: 6 });
  const parameter = fc
    .tuple(token, fc.option(token, { nil: undefined }))
    .map(([name, value]) => ({ name, value }));
  const extension = fc
    .tuple(token, fc.array(parameter, { maxLength: 3 }))
    .map(([name, parameters]) => ({ name, parameters }));
  const blank = fc.constantFrom("", " ", "\t", "  ");
  fc.assert(
    fc.property(
      fc.array(extension, { minLength: 1, maxLength: 4 }),
      blank,
      blank,
      (list: Extension[], a, b) => {
        assert.deepEqual(parseExtensions(list.map(formatExtension).join(", ")), list);
        const loose = list
          .map(({ name, parameters }) =>
            [
              name,
              ...parameters.map((one) =>
                one.value === undefined ? one.name : `${one.name}${a}=${b}"${one.value}"`,
              ),
            ].join(`${b};${a}`),
          )
          .join(`${a},${b},${a}`);
        assert.deepEqual(parseExtensions(`${a},${loose}${b},`), list);
      },
    ),
  );
});
