/**
 * Two readings of the same responses: squall's receiver and Node's HTTP client, which was told to be strict. The
 * response is made by a grammar and then damaged. We may refuse what Node takes; where we take what Node refuses, the
 * reason stands in `REASONS`.
 */
import { fuzz } from "./support/fuzz.js";
import { responseText } from "./support/grammar.js";
import { mutated } from "./support/mutate.js";
import { nodeReadsResponse } from "./support/node-peer.js";
import { NODE_REFUSES, type Reasons } from "./support/node-refuses.js";
import { readResponse } from "./support/ours.js";
import { type Outcome, type SeenMessage, shownOutcome } from "./support/outcome.js";

/** What Node refuses in responses and RFC 9112 allows. */
const REASONS: Reasons = {
  ...NODE_REFUSES,
  // RFC 9112 §9.3: the connection ends with the message, and so does our interest in it.
  "what follows a response that closes": ({ message, ours }) =>
    message === undefined && ours.messages.length === ours.closesAfter,
  // RFC 9112 §5.2: a user agent must replace obs-fold with spaces; Node refuses it when it is strict.
  "a folded field": ({ code, text }) =>
    code === "HPE_INVALID_HEADER_TOKEN" && /:[^\r\n]*\r\n[ \t]/.test(text),
  // The option speaks of what follows the final response.
  "Connection: close in an interim response": ({ code, ours }) =>
    code === "HPE_CLOSED_CONNECTION" && ours.messages[0]!.start[0].startsWith("1"),
  // RFC 9110 §9.3.6: a client must ignore both framing fields.
  "framing fields in a 2xx to CONNECT": ({ code, message }) =>
    /CONTENT_LENGTH|TRANSFER_ENCODING/.test(code) &&
    message?.upgrade === true &&
    message.start[0].startsWith("2"),
};

/** Node hands the socket over after any answer to CONNECT, and after a 100; RFC 9110 §9.3.6 says so of a 2xx only. */
function isNoTunnel(method: string, ours: Outcome): boolean {
  return method === "CONNECT" && ours.messages[0]?.start[0].startsWith("2") !== true;
}

/** A 101 without Upgrade, which is no valid response: Node goes on as after a 100, we read nothing more. */
function isNoUpgrade(ours: Outcome): boolean {
  const last = ours.messages.at(-1);
  return last?.start[0] === "101" && !(hasField(last, "upgrade") && hasField(last, "connection"));
}

function hasField(message: SeenMessage, name: string): boolean {
  return message.fields.some((field, i) => i % 2 === 0 && field.toLowerCase() === name);
}

/** llhttp does not take `chunked` with a tab behind it for chunked, and reads such a response to its close. */
function isChunkedWithTab(text: string): boolean {
  return /\ntransfer-encoding:[ \t]*chunked *\t[ \t]*\r/i.test(text);
}

const seen = new Map<string, number>();

function count(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

type Reading = Outcome & { readonly rest: string };

/** The first difference that nothing explains. */
function difference(ours: Reading, node: Reading, text: string): string | undefined {
  const explained = (message: SeenMessage | undefined): boolean => {
    const refusal = { code: node.refusal ?? "", message, ours, text };
    const name = Object.keys(REASONS).find((key) => REASONS[key]!(refusal));
    if (name !== undefined) count(name);
    return name !== undefined;
  };
  for (let i = 0; ; i++) {
    const a = ours.messages[i];
    const b = node.messages[i];
    if (a === undefined && b === undefined) break;
    if (a === undefined) {
      if (ours.refusal === undefined) return `Node sees response ${i}, we do not (${ours.broken})`;
      count(`we refuse: ${ours.refusal}`);
      return undefined;
    }
    if (b === undefined)
      return explained(a)
        ? undefined
        : `we see response ${i}, Node does not (${node.refusal ?? node.broken})`;
    for (const key of ["start", "fields", "upgrade"] as const) {
      if (JSON.stringify(a[key]) !== JSON.stringify(b[key])) return `${key} of response ${i}`;
    }
    if (a.complete && b.complete) {
      if (a.body !== b.body) return `body of response ${i}`;
      if (JSON.stringify(a.trailers) !== JSON.stringify(b.trailers)) return `trailers of response ${i}`;
      if (a.upgrade && ours.rest !== node.rest) return "what follows in another protocol";
    } else if (a.complete) {
      return explained(a)
        ? undefined
        : `Node does not see the end of response ${i} (${node.refusal ?? node.broken})`;
    } else if (ours.refusal !== undefined) {
      if (b.complete || node.refusal === undefined) count(`we refuse: ${ours.refusal}`);
      return undefined;
    } else if (b.complete) {
      return `we do not see the end of response ${i} (${ours.broken})`;
    } else if (node.refusal !== undefined) {
      return explained(a) ? undefined : `Node refuses response ${i} (${node.refusal}), we wait for more`;
    } else if (a.body !== b.body) {
      return `the first part of the body of response ${i}`;
    }
  }
  if (ours.refusal === undefined && node.refusal !== undefined && !explained(undefined)) {
    return `Node refuses what follows (${node.refusal}), we do not (${ours.broken})`;
  }
  return undefined;
}

fuzz(
  "the receiver and the client of node:http see the same response in the same octets",
  {
    runs: 1000,
    summary: () => JSON.stringify(Object.fromEntries([...seen].sort((a, b) => b[1] - a[1])), null, 1),
  },
  async (random) => {
    const method = random.pick(["GET", "GET", "GET", "HEAD", "POST", "CONNECT"]);
    const whole =
      responseText(random, method === "HEAD") + (random.chance(0.1) ? responseText(random, false) : "");
    const text = mutated(random, whole, random.chance(0.2) ? 0 : random.between(1, 3));
    const pieces = random.cut(Buffer.from(text, "latin1"));
    const ours = readResponse(method, pieces);
    if (isNoTunnel(method, ours) || isNoUpgrade(ours) || isChunkedWithTab(text)) return;
    const node = await nodeReadsResponse(
      method,
      pieces.map((piece) => Buffer.from(piece)),
    );
    const found = difference(ours, node, text);
    if (found !== undefined) {
      throw new Error(
        `${found}\n${method} ${JSON.stringify(text)}\nours: ${shownOutcome(ours)}\nnode: ${shownOutcome(node)}`,
      );
    }
  },
);
