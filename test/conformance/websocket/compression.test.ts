/**
 * The 216 cases of permessage-deflate in both roles, after a real negotiation, against the protocol objects, and against
 * a handler and a client over a network.
 * The suite sends a thousand messages in each case; here are as many as make 128 KiB, at least two, so that
 * the window is used.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import {
  newClientOffer,
  offerFields,
  readServerHandshake,
} from "#room/protocol/websocket/handshake/client-handshake";
import {
  acceptOffer,
  type DeflateAgreement,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";
import { answerFields, readClientHandshake } from "#room/protocol/websocket/handshake/server-handshake";
import { TwinDeflate } from "../../support/websocket-twin.js";
import { type CompressionGroup, readCases } from "./cases.js";
import { PureEnd } from "./pure-end.js";
import { withClientEnd, withServerEnd } from "./socket-end.js";
import { closeCleanly, echoOnce, type TestedEnd, type TesterDeflate } from "./tester.js";

const { compression, count } = readCases();

function pseudoRandom(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = 1; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Data of each kind that the suite sends, 256 KiB of it; text is cut at octets that end characters. */
const DATA: Readonly<Record<string, { readonly opcode: 1 | 2; readonly bytes: Buffer }>> = {
  "large JSON (text)": {
    opcode: 1,
    bytes: Buffer.from(
      JSON.stringify(
        Array.from({ length: 6000 }, (_, id) => ({ id, name: `n${(id * 7919) % 1000}`, ok: id % 3 === 0 })),
      ),
    ),
  },
  "picture (binary)": { opcode: 2, bytes: pseudoRandom(262_144) },
  "prose outside ASCII (text)": { opcode: 1, bytes: Buffer.from("Здравствуй, мир. Καλημέρα. ".repeat(6000)) },
  "large HTML (text)": {
    opcode: 1,
    bytes: Buffer.from("<tr><td class='a'>1</td><td>x &amp; y</td></tr>\n".repeat(6000)),
  },
  "PDF (binary)": {
    opcode: 2,
    bytes: Buffer.concat(
      Array.from({ length: 64 }, (_, i) => [
        pseudoRandom(3000 + i),
        Buffer.from("endstream endobj\n".repeat(50)),
      ]).flat(),
    ),
  },
};

/** Takes messages of a size out of the data in turn; text is cut where a character begins. */
function takeMessage(
  { bytes, opcode }: { opcode: 1 | 2; bytes: Buffer },
  size: number,
  turn: number,
): Buffer {
  const start = (turn * size) % Math.max(1, bytes.length - size);
  const message = bytes.subarray(start, start + size);
  return opcode === 2 ? message : Buffer.from(message.toString("utf8"));
}

function headersOf(fields: readonly (readonly [string, string])[]): HTTPHeaders {
  return HTTPHeaders.fromRaw([["Host", "a"] as const, ...fields].flat());
}

const OPTIONS = resolveCompressionOptions();

/** What the tester offers as a client. */
function offerOf(offers: CompressionGroup["offers"]): string {
  return (offers ?? [[false, 0] as const])
    .map(([reset, bits]) =>
      [
        "permessage-deflate; client_max_window_bits",
        ...(reset ? ["server_no_context_takeover"] : []),
        ...(bits > 0 ? [`server_max_window_bits=${bits}`] : []),
      ].join("; "),
    )
    .join(", ");
}

/** What the tester answers as a server. */
function answerOf(offers: CompressionGroup["offers"]): string {
  const [reset, bits] = offers?.[0] ?? [false, 0];
  const parameters = [
    ...(reset ? ["; client_no_context_takeover"] : []),
    ...(bits > 0 ? [`; client_max_window_bits=${bits}`] : []),
  ];
  return `permessage-deflate${parameters.join("")}`;
}

/** The tester is a client and offers; our server chooses. */
function agreeAsServer(offers: CompressionGroup["offers"]): DeflateAgreement {
  const { extensions } = readClientHandshake(
    {
      method: "GET",
      version: "HTTP/1.1",
      headers: headersOf([...offerFields(newClientOffer()), ["Sec-WebSocket-Extensions", offerOf(offers)]]),
    },
    () => false,
  );
  const accepted = acceptOffer(extensions, OPTIONS);
  assert.ok(accepted !== undefined, "the offer must be accepted");
  const [reset, bits] = offers?.[0] ?? [false, 0];
  assert.equal(accepted.agreement.server.takeover, !reset);
  assert.equal(accepted.agreement.server.windowBits, bits === 0 ? 15 : bits);
  return accepted.agreement;
}

/** The tester is a server and answers what our client offers by asking for the parameters. */
function agreeAsClient(offers: CompressionGroup["offers"]): DeflateAgreement {
  const [reset, bits] = offers?.[0] ?? [false, 0];
  const offer = newClientOffer([], OPTIONS);
  const request = { method: "GET", version: "HTTP/1.1", headers: headersOf(offerFields(offer)) };
  const fields = answerFields(readClientHandshake(request, () => false));
  fields.push(["Sec-WebSocket-Extensions", answerOf(offers)]);
  const { deflate } = readServerHandshake(101, headersOf(fields), offer);
  assert.ok(deflate !== undefined);
  assert.deepEqual(deflate.client, { takeover: !reset, windowBits: bits === 0 ? 15 : bits });
  return deflate;
}

type Offers = CompressionGroup["offers"];
type Runner = (
  offers: Offers,
  agreement: DeflateAgreement,
  test: (end: TestedEnd) => Promise<void>,
) => Promise<void>;
const ENDS: Readonly<Record<string, readonly [role: "server" | "client", run: Runner]>> = {
  "the protocol of a server": ["server", (_, agreement, run) => run(new PureEnd("server", agreement))],
  "the protocol of a client": ["client", (_, agreement, run) => run(new PureEnd("client", agreement))],
  "a handler": ["server", (offers, _, run) => withServerEnd(offerOf(offers), run)],
  "a client's connection": ["client", (offers, _, run) => withClientEnd(answerOf(offers), run)],
};

for (const [name, [role, withEnd]] of Object.entries(ENDS)) {
  describe(`the conformance cases of compression, against ${name}`, () => {
    test("all of them are there", () => {
      assert.equal(compression.groups.length * compression.sizes.length, count.compression);
    });
    for (const group of compression.groups) {
      test(`${group.id}: ${group.data}, offers ${JSON.stringify(group.offers ?? "default")}`, async () => {
        const agreement = role === "server" ? agreeAsServer(group.offers) : agreeAsClient(group.offers);
        const [ours, theirs] =
          role === "server" ? [agreement.server, agreement.client] : [agreement.client, agreement.server];
        for (const { n, octets, fragment } of compression.sizes) {
          await withEnd(group.offers, agreement, async (end) => {
            const deflate: TesterDeflate = {
              out: new TwinDeflate(theirs.takeover, theirs.windowBits),
              in: new TwinDeflate(ours.takeover, ours.windowBits),
            };
            const data = DATA[group.data];
            assert.ok(data !== undefined, `there is no data of the kind ${group.data}`);
            const messages = Math.max(2, Math.min(10, Math.floor(131_072 / octets)));
            for (let turn = 0; turn < messages; turn++) {
              const message = takeMessage(data, octets, turn);
              const fault = await echoOnce(end, data.opcode, message, { fragment, deflate });
              assert.equal(fault, undefined, `${group.id}.${n}, message ${turn}`);
            }
            await closeCleanly(end);
            assert.equal(end.hasEnded(), true);
          });
        }
      });
    }
  });
}
