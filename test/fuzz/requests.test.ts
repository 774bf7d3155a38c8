/**
 * Two readings of the same requests: squall's receiver and Node's parser (llhttp, strict). Requests are made by a
 * grammar and then damaged. Where the two see different messages, one of them can be smuggled past the other.
 *
 * We may refuse what Node takes. Where we take what Node refuses, the reason stands in `REASONS`.
 */
import { METHODS } from "node:http";
import { fuzz } from "./support/fuzz.js";
import { requestText } from "./support/grammar.js";
import { mutated } from "./support/mutate.js";
import { nodeReadsRequests } from "./support/node-peer.js";
import { NODE_REFUSES, type Reasons, type Refusal } from "./support/node-refuses.js";
import { readRequests } from "./support/ours.js";
import { type Outcome, type SeenMessage, shownOutcome } from "./support/outcome.js";

/** What Node refuses in requests and RFC 9112 allows. */
const REASONS: Reasons = {
  ...NODE_REFUSES,
  // RFC 9110 §9.1: the set of methods is open.
  "a method that Node does not know": ({ code, message }) =>
    code === "HPE_INVALID_METHOD" && message !== undefined && !METHODS.includes(message.start[0]),
  // RFC 9110 §7.8: a server may ignore Upgrade, and then HTTP/1.1 goes on. Node's parser stops after such a request.
  "what follows a request to upgrade": ({ code, ours }) =>
    code === "" && ours.messages.some((message) => message.upgrade),
};

const seen = new Map<string, number>();

function count(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

function accepted(refusal: Refusal): boolean {
  const name = Object.keys(REASONS).find((key) => REASONS[key]!(refusal));
  if (name !== undefined) count(name);
  return name !== undefined;
}

/** The first difference that nothing explains. */
function difference(ours: Outcome, node: Outcome, text: string): string | undefined {
  const explained = (message: SeenMessage | undefined): boolean =>
    accepted({ code: node.refusal ?? "", message, ours, text });
  for (let i = 0; ; i++) {
    const a = ours.messages[i];
    const b = node.messages[i];
    if (i >= ours.closesAfter) return undefined;
    if (a === undefined && b === undefined) break;
    if (a === undefined) {
      if (ours.refusal === undefined) return `Node sees request ${i}, we do not`;
      count(`we refuse: ${ours.refusal}`);
      return undefined;
    }
    if (b === undefined) {
      if (explained(a)) return undefined;
      return `we see request ${i}, Node does not (${node.refusal})`;
    }
    for (const key of ["start", "fields"] as const) {
      if (JSON.stringify(a[key]) !== JSON.stringify(b[key])) return `${key} of request ${i}`;
    }
    if (a.complete && b.complete) {
      if (a.body !== b.body) return `body of request ${i}`;
      if (JSON.stringify(a.trailers) !== JSON.stringify(b.trailers)) return `trailers of request ${i}`;
      continue;
    }
    if (a.complete) {
      if (explained(a)) return undefined;
      return `Node does not see the end of request ${i} (${node.refusal ?? node.broken})`;
    }
    if (ours.refusal !== undefined) {
      if (b.complete || node.refusal === undefined) count(`we refuse: ${ours.refusal}`);
      return undefined;
    }
    if (b.complete) return `we do not see the end of request ${i} (${ours.broken})`;
    if (node.refusal !== undefined) {
      if (explained(a)) return undefined;
      return `Node refuses request ${i} (${node.refusal}), we wait for more`;
    }
    if (a.body !== b.body) return `the first part of the body of request ${i}`;
    return undefined;
  }
  if (ours.refusal === undefined && node.refusal !== undefined && !explained(undefined)) {
    return `Node refuses what follows (${node.refusal}), we do not (${ours.broken})`;
  }
  return undefined;
}

fuzz(
  "the receiver and node:http see the same requests in the same octets",
  {
    runs: 1500,
    summary: () => JSON.stringify(Object.fromEntries([...seen].sort((a, b) => b[1] - a[1])), null, 1),
  },
  async (random) => {
    const whole = random.list(random.between(1, 3), () => requestText(random)).join("");
    const damages = random.chance(0.1) ? 0 : random.between(1, 3);
    const text = mutated(random, whole, damages);
    const pieces = random.cut(Buffer.from(text, "latin1"));
    const ours = readRequests(pieces);
    const node = await nodeReadsRequests(pieces.map((piece) => Buffer.from(piece)));
    const found = difference(ours, node, text);
    if (found !== undefined) {
      throw new Error(
        `${found}\n${JSON.stringify(text)}\nours: ${shownOutcome(ours)}\nnode: ${shownOutcome(node)}`,
      );
    }
    if (damages === 0 && ours.refusal !== undefined)
      throw new Error(`refused ${ours.refusal}: ${JSON.stringify(text)}`);
  },
);
