/**
 * Where our server and handlers answer differently from Tornado's.
 *
 * Each rule is an amendment: for a request and Tornado's response it says what the response should have been.
 * All amendments together, applied to a case's responses one after the other, give what is owed on the
 * connection. The first one that changed anything covers the case, and it holds when our answer is what is
 * owed, so that a rule cannot hide another difference in the same case.
 */
import type { Rule, VectorCase } from "../types.js";
import { sameAnswer, type VectorAnswer, type VectorResponse, type WireAnswer } from "../wire-compare.js";
import * as answers from "../wire-web-reading/answers.js";
import { type Amendment, requestsOf } from "../wire-web-reading/exchange.js";
import * as files from "../wire-web-reading/files.js";

/** In the order in which they are applied. */
const AMENDMENTS: readonly (readonly [name: string, amend: Amendment])[] = [
  ["target-characters", answers.targetCharacters],
  ["unknown-method", answers.unknownMethod],
  ["allow", answers.allow],
  ["identity-form", answers.identityForm],
  ["cookie-lines", answers.cookieLines],
  ["clear-added-fields", answers.clearAdded],
  ["error-without-body", answers.noContent],
  ["reset-content-has-no-type", answers.resetContent],
  ["json-without-spaces", answers.compactJson],
  ["error-after-flush", answers.failedInTheMiddle],
  ["location-is-a-uri", answers.locationIsAURI],
  ["query-as-sent", (exchange) => files.folderQuery(exchange) ?? answers.queryAsSent(exchange)],
  ["range-is-for-get", files.rangeIsForGet],
  ["range-grammar", files.rangeGrammar],
  ["if-range", files.ifRange],
  ["date-grammar", files.dateGrammar],
  ["tags-before-dates", files.tagsBeforeDates],
  ["if-none-match", answers.ifNoneMatch],
  ["small-files-stay-plain", files.plainFiles],
  ["accept-encoding", answers.acceptEncoding],
  ["weak-tag-of-coded", answers.weakTag],
];

const NO_CONTENT: VectorResponse = {
  status: 204,
  reason: "No Content",
  headers: [
    ["Server", "<SERVER>"],
    ["Date", "<DATE>"],
  ],
  body: Buffer.alloc(0),
};

/** What is owed on the connection, and the name of the first amendment that changed something. */
function owedFor(vector: VectorCase): { readonly answer: VectorAnswer; readonly first: string | undefined } {
  const theirs = vector.result as VectorAnswer;
  const settings = (vector.kwargs.settings ?? {}) as Record<string, unknown>;
  const requests = requestsOf(Buffer.concat(vector.args[0] as Buffer[]).toString("latin1"));
  const responses: VectorResponse[] = [];
  let first: string | undefined;
  for (const [i, given] of (theirs.responses ?? []).entries()) {
    let response = given;
    let ends = false;
    const request = requests[i];
    for (const [name, amend] of request === undefined ? [] : AMENDMENTS) {
      // The spacing of JSON is left out of the comparison where the vectors say so.
      if (name === "json-without-spaces" && vector.json === true) continue;
      const amended = amend({ request: request!, response, settings });
      if (amended === undefined) continue;
      first ??= name;
      response = amended.response;
      ends ||= amended.ends === true;
    }
    responses.push(response);
    if (ends) return { answer: { open: false, raw: null, responses }, first };
  }
  // Tornado never answers an error without a body.
  if (theirs.open && requests[responses.length]?.path === "/error/204") {
    return {
      answer: { ...theirs, responses: [...responses, NO_CONTENT] },
      first: first ?? "error-without-body",
    };
  }
  return { answer: { ...theirs, responses }, first };
}

export const rules: readonly Rule[] = AMENDMENTS.map(([name]) => ({
  name: `wire-web/${name}`,
  functions: ["wire-web.exchange"],
  covers: (vector) => owedFor(vector).first === name,
  holds: (outcome, vector) =>
    "value" in outcome && sameAnswer(outcome.value as WireAnswer, owedFor(vector).answer),
}));
