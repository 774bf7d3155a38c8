/** Where our client answers differently from Tornado's. */
import type { VectorClientResult } from "../families/wire-client.js";
import { sameRequests } from "../families/wire-client.js";
import type { Outcome, Rule, VectorCase } from "../types.js";
import { VectorHeaders } from "../values.js";
import { type ClientOutcome, requestParts } from "../wire-client-exchange.js";

type Request = Readonly<Record<string, unknown>>;

const requestOf = (vector: VectorCase): Request => vector.args[0] as Request;
const resultOf = (vector: VectorCase): VectorClientResult => vector.result as VectorClientResult;
/** The first response of the server, as text. */
const answerOf = (vector: VectorCase): string => {
  const [first] = vector.args[1] as readonly Buffer[];
  return first?.toString("latin1") ?? "";
};
const statusLineOf = (vector: VectorCase): string => answerOf(vector).split("\r\n", 1)[0]!;
const fieldsOf = (vector: VectorCase): string[] =>
  answerOf(vector).split("\r\n\r\n", 1)[0]!.split("\r\n").slice(1);
const callersField = (vector: VectorCase, name: string): string | undefined => {
  const { headers } = requestOf(vector);
  if (headers instanceof VectorHeaders) {
    return headers.lines.find(([key]) => key.toLowerCase() === name)?.[1];
  }
  return Object.entries((headers ?? {}) as Record<string, string>).find(
    ([key]) => key.toLowerCase() === name,
  )?.[1];
};

/** Characters that a request target may have (RFC 9112 §3.2, RFC 3986 §2). */
const TARGET = /^[\w\-.~:/?[\]@!$&'()*+,;=%]*$/;
const targetOf = (text: string): string => / (.*) HTTP\/1\.1$/.exec(requestParts(text).start)?.[1] ?? "";

const WELL_FORMED_VERSION = /^HTTP\/1\.\d(?= |$)/;

interface Difference {
  readonly covers: (vector: VectorCase) => boolean;
  readonly holds: (ours: ClientOutcome, theirs: VectorClientResult, vector: VectorCase) => boolean;
}

/** Our fetch rejects, at once, because the connection brought no response. */
const refusesAtOnce = (ours: ClientOutcome, theirs: VectorClientResult): boolean =>
  ours.error?.name === "HTTPStreamClosedError" && sameRequests(ours, theirs);
const timesOut = (vector: VectorCase): boolean => resultOf(vector).error?.type === "HTTPTimeoutError";
const gives = (ours: ClientOutcome, code: number, body: string): boolean =>
  ours.response?.code === code && ours.response.body.toString() === body;

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "target-is-encoded": {
    covers: (vector) =>
      resultOf(vector).requests.some(([, bytes]) => !TARGET.test(targetOf(bytes.toString("latin1")))),
    holds: (ours, theirs) =>
      ours.requests.length === theirs.requests.length &&
      ours.requests.every(([, text]) => TARGET.test(targetOf(text))) &&
      gives(ours, theirs.response!.code, String(theirs.response!.body)),
  },
  "control-in-url": {
    covers: (vector) => /[\0-\x1f\x7f]/.test(String(requestOf(vector).url)),
    holds: (ours) => ours.error?.name === "InvalidArgumentError" && ours.requests.length === 0,
  },
  "empty-body": {
    covers: (vector) => {
      const { method, body, body_producer: producer } = requestOf(vector);
      return (
        /^(?:POST|PUT|PATCH)$/.test(String(method)) &&
        body === undefined &&
        producer === undefined &&
        resultOf(vector).response !== undefined
      );
    },
    holds: (ours) => {
      const { fields, body } = requestParts(ours.requests[0]![1]);
      return (
        fields.includes("content-length: 0") &&
        !fields.some((line) => line.startsWith("transfer-")) &&
        body === ""
      );
    },
  },
  "too-long-is-not-begun": {
    covers: (vector) => {
      const length = callersField(vector, "content-length");
      const pieces = requestOf(vector).body_producer as readonly (string | Buffer)[] | undefined;
      return (
        length !== undefined &&
        pieces !== undefined &&
        Buffer.byteLength(pieces[0] as string) > Number(length)
      );
    },
    holds: (ours) =>
      ours.error !== undefined &&
      (ours.error as { code?: string }).code === "ERR_SQUALL_HTTP_OUTPUT_TOO_LONG" &&
      ours.requests.every(([, text]) => requestParts(text).body === ""),
  },
  "accept-encoding-is-kept": {
    covers: (vector) => (callersField(vector, "accept-encoding") ?? "gzip") !== "gzip",
    holds: (ours, _theirs, vector) =>
      requestParts(ours.requests[0]![1]).fields.includes(
        `accept-encoding: ${callersField(vector, "accept-encoding")}`,
      ),
  },
  "line-feed-alone": {
    covers: (vector) => /^[^\r]*\n/.test(answerOf(vector)),
    holds: refusesAtOnce,
  },
  "reason-may-be-missing": {
    covers: (vector) => /^HTTP\/1\.\d [1-5]\d\d$/.test(statusLineOf(vector)),
    holds: (ours) => gives(ours, 200, "body") && ours.response?.reason === "",
  },
  "version-at-once": {
    covers: (vector) =>
      timesOut(vector) && statusLineOf(vector) !== "" && !WELL_FORMED_VERSION.test(statusLineOf(vector)),
    holds: refusesAtOnce,
  },
  "status-at-once": {
    covers: (vector) =>
      timesOut(vector) &&
      WELL_FORMED_VERSION.test(statusLineOf(vector)) &&
      !/^\S+ \d{3}(?: |$)/.test(statusLineOf(vector)),
    holds: refusesAtOnce,
  },
  "field-at-once": {
    covers: (vector) => timesOut(vector) && fieldsOf(vector).some((line) => !/^[ \t]|:/.test(line)),
    holds: refusesAtOnce,
  },
  "status-below-100": {
    covers: (vector) => /^HTTP\/1\.\d 0\d\d/.test(statusLineOf(vector)),
    holds: refusesAtOnce,
  },
  trailers: {
    covers: (vector) => /\r\n0\r\n[^\r]/.test(answerOf(vector)),
    holds: (ours) => gives(ours, 200, "hello"),
  },
  "length-of-an-interim-response": {
    covers: (vector) => /^HTTP\/1\.1 1\d\d [^\r]*\r\nContent-Length: 0\r\n\r\n/.test(answerOf(vector)),
    holds: (ours) => gives(ours, 200, "ok"),
  },
  "deflate-is-unpacked": {
    covers: (vector) => fieldsOf(vector).includes("Content-Encoding: deflate"),
    holds: (ours) => ours.error?.name === "HTTPStreamClosedError",
  },
  "redirect-is-refused": {
    covers: (vector) => resultOf(vector).error?.type === "never",
    holds: (ours, theirs) => ours.error?.name === "HTTPRedirectError" && sameRequests(ours, theirs),
  },
};

export const rules: readonly Rule[] = Object.entries(DIFFERENCES).map(([name, { covers, holds }]) => ({
  name: `wire-client/${name}`,
  functions: ["httpclient.fetch"],
  covers,
  holds: (outcome: Outcome, vector: VectorCase) =>
    "value" in outcome && holds(outcome.value as ClientOutcome, resultOf(vector), vector),
}));
