import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import {
  type BodyArguments,
  HTTPHeaders,
  HTTPInputError,
  type ParseBodyConfig,
  parseBodyArguments,
  setParseBodyConfig,
} from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n';

function parse(
  contentType: string,
  body: string,
  config?: ParseBodyConfig,
  headers?: HTTPHeaders,
): BodyArguments {
  const form: BodyArguments = { arguments: Object.create(null), files: Object.create(null) };
  parseBodyArguments(contentType, Buffer.from(body), form.arguments, form.files, { config, headers });
  return form;
}

const names = (form: BodyArguments) => Object.keys(form.arguments);

describe("parseBodyArguments()", () => {
  afterEach(() => setParseBodyConfig({}));

  test("reads both media types of forms, in any case and with parameters", () => {
    for (const type of [FORM, FORM.toUpperCase(), `${FORM} ; charset=utf-8`])
      assert.deepEqual(names(parse(type, "a=1")), ["a"], type);
    for (const type of ["multipart/form-data; boundary=B", 'Multipart/Form-Data;charset=x;BOUNDARY="B"']) {
      assert.deepEqual(names(parse(type, MULTIPART)), ["a"], type);
    }
  });

  test("leaves every other body alone", () => {
    for (const type of [
      "",
      "application/json",
      `${FORM}x`,
      "multipart/mixed; boundary=B",
      "text/plain; x=application/x-www-form-urlencoded",
    ]) {
      assert.deepEqual(names(parse(type, "a=1")), [], type);
    }
  });

  test("takes a form whose Content-Encoding is identity, and refuses every other encoding with 415", () => {
    for (const encoding of ["identity", "Identity"]) {
      const headers = new HTTPHeaders({ "Content-Encoding": encoding });
      assert.deepEqual(names(parse(FORM, "a=1", undefined, headers)), ["a"]);
    }
    for (const encoding of ["gzip", "identity, gzip", "", "identityx"]) {
      const headers = new HTTPHeaders({ "Content-Encoding": encoding });
      assert.throws(() => parse(FORM, "a=1", undefined, headers), { status: 415 }, encoding);
    }
  });

  test("adds to what is there", () => {
    const form: BodyArguments = { arguments: Object.create(null), files: Object.create(null) };
    for (const body of ["a=1", "a=2&b=3"])
      parseBodyArguments(FORM, Buffer.from(body), form.arguments, form.files);
    assert.deepEqual(form.arguments.a!.map(String), ["1", "2"]);
    assert.deepEqual(names(form), ["a", "b"]);
  });

  test("case 74: a multipart body without a boundary is refused, and the first of two boundaries counts", () => {
    for (const rest of [
      "",
      "; boundary",
      "; boundary=",
      "; boundary =B",
      "; boundary= B",
      "; xboundary=B",
      "; boundary=X; boundary=B",
    ]) {
      assert.throws(() => parse(`multipart/form-data${rest}`, MULTIPART), HTTPInputError, rest);
    }
  });

  test("a form with a Content-Encoding is refused with 415, any other body is not looked at", () => {
    const headers = new HTTPHeaders({ "Content-Encoding": "gzip" });
    for (const type of [FORM, "multipart/form-data; boundary=B"]) {
      assert.throws(() => parse(type, "a=1", undefined, headers), { name: "HTTPInputError", status: 415 });
    }
    assert.deepEqual(names(parse("application/json", "a=1", undefined, headers)), []);
  });

  test("limits come from the call, else from setParseBodyConfig(), else from the defaults", () => {
    const many = "a&".repeat(1001);
    assert.throws(() => parse(FORM, many), { code: "ERR_SQUALL_TOO_MANY_ARGUMENTS" });
    setParseBodyConfig({ maxArguments: Infinity, multipart: { enabled: false } });
    assert.equal(parse(FORM, many).arguments.a!.length, 1001);
    assert.throws(() => parse("multipart/form-data; boundary=B", MULTIPART), HTTPInputError);
    assert.deepEqual(names(parse("multipart/form-data; boundary=B", MULTIPART, {})), ["a"]);
    assert.throws(() => parse(FORM, "a&b", { maxArguments: 1 }), HTTPInputError);
  });

  test("setParseBodyConfig() refuses what makes no sense and then changes nothing", () => {
    setParseBodyConfig({ maxArguments: 1 });
    assert.throws(() => setParseBodyConfig({ maxArguments: -1 }), InvalidArgumentError);
    assert.throws(
      () => setParseBodyConfig({ multipart: { maxParts: "5" as unknown as number } }),
      InvalidArgumentError,
    );
    assert.throws(() => parse(FORM, "a&b"), HTTPInputError);
  });
});
