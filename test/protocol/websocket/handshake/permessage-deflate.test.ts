/** The negotiation of permessage-deflate (RFC 7692 §7.1), in both roles. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatExtension, parseExtensions } from "#room/protocol/websocket/handshake/extensions";
import {
  acceptOffer,
  type CompressionOptions,
  deflateOffer,
  readAnswer,
  resolveCompressionOptions,
} from "#room/protocol/websocket/handshake/permessage-deflate";

/** What a server with these options answers to a field value; `undefined` if it declines. */
function answerTo(offers: string, options: CompressionOptions = {}): string | undefined {
  const accepted = acceptOffer(parseExtensions(offers)!, resolveCompressionOptions(options));
  return accepted === undefined ? undefined : formatExtension(accepted.answer);
}

/** What a client with these options makes of an answer. */
function meaningOf(answer: string, options: CompressionOptions = {}) {
  return readAnswer(parseExtensions(answer)![0]!, resolveCompressionOptions(options));
}

describe("a server", () => {
  test("answers each parameter of an offer as RFC 7692 §7.1 says", () => {
    for (const [offer, answer] of [
      ["permessage-deflate", "permessage-deflate"],
      ["permessage-deflate; client_max_window_bits", "permessage-deflate"],
      ["permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"],
      ["permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"],
      ["permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"],
      ['permessage-deflate; server_max_window_bits="9"', "permessage-deflate; server_max_window_bits=9"],
      ["permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"],
      ["permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"],
    ] as const) {
      assert.equal(answerTo(offer), answer, offer);
    }
  });

  test("asks for what its options say, as far as the client can be told", () => {
    const all = "permessage-deflate; client_max_window_bits";
    assert.equal(answerTo(all, { clientMaxWindowBits: 9 }), "permessage-deflate; client_max_window_bits=9");
    assert.equal(answerTo(all, { serverMaxWindowBits: 9 }), "permessage-deflate; server_max_window_bits=9");
    assert.equal(
      answerTo(all, { serverNoContextTakeover: true, clientNoContextTakeover: true }),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    assert.equal(
      answerTo("permessage-deflate; server_max_window_bits=10", { serverMaxWindowBits: 12 }),
      "permessage-deflate; server_max_window_bits=10",
    );
    assert.equal(answerTo("permessage-deflate", { clientMaxWindowBits: 9 }), undefined);
    assert.equal(
      answerTo("permessage-deflate, permessage-deflate; client_max_window_bits", { clientMaxWindowBits: 9 }),
      "permessage-deflate; client_max_window_bits=9",
    );
  });

  test("case 52: declines an offer with a parameter that is unknown, repeated or out of range", () => {
    for (const parameters of [
      "x",
      "server_no_context_takeover; server_no_context_takeover",
      "client_no_context_takeover=1",
      "server_no_context_takeover=true",
      "server_max_window_bits",
      "server_max_window_bits=7",
      "server_max_window_bits=16",
      "server_max_window_bits=09",
      "server_max_window_bits=8.0",
      "server_max_window_bits=-9",
      "server_max_window_bits=10; server_max_window_bits=10",
      "client_max_window_bits=7",
      "client_max_window_bits=0",
      "client_max_window_bits=1e1",
      "client_max_window_bits; client_max_window_bits=10",
      "Server_no_context_takeover",
    ]) {
      assert.equal(answerTo(`permessage-deflate; ${parameters}`), undefined, parameters);
      assert.equal(
        answerTo(`permessage-deflate; ${parameters}, permessage-deflate`),
        "permessage-deflate",
        parameters,
      );
    }
  });

  test("case 52: agrees to a window of 8 bits", () => {
    assert.equal(
      answerTo("permessage-deflate; server_max_window_bits=8; client_max_window_bits=8"),
      "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
    );
  });

  test("passes over extensions that it does not know", () => {
    assert.equal(answerTo("x-webkit-deflate-frame, mux"), undefined);
    assert.equal(answerTo("mux; max=4, permessage-deflate"), "permessage-deflate");
  });
});

describe("a client", () => {
  test("offers what its options ask for", () => {
    const offerOf = (options: CompressionOptions) =>
      formatExtension(deflateOffer(resolveCompressionOptions(options)));
    assert.equal(offerOf({}), "permessage-deflate; client_max_window_bits");
    assert.equal(
      offerOf({
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 11,
      }),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
    );
  });

  test("reads what the server has agreed to", () => {
    assert.deepEqual(
      meaningOf(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=8",
      ),
      { server: { takeover: false, windowBits: 10 }, client: { takeover: false, windowBits: 8 } },
    );
    // What it said it might do, it does although the server says nothing of it.
    assert.deepEqual(
      meaningOf("permessage-deflate", { clientNoContextTakeover: true, clientMaxWindowBits: 10 }),
      {
        server: { takeover: true, windowBits: 15 },
        client: { takeover: false, windowBits: 10 },
      },
    );
  });

  test("case 52: fails on an answer that is malformed, or that does not keep to the offer", () => {
    for (const [answer, options] of [
      ["permessage-deflate; x", {}],
      ["permessage-deflate; client_max_window_bits", {}],
      ["permessage-deflate; server_max_window_bits", {}],
      ["permessage-deflate; server_max_window_bits=7", {}],
      ["permessage-deflate; client_max_window_bits=16", {}],
      ["permessage-deflate; client_no_context_takeover; client_no_context_takeover", {}],
      ["permessage-deflate", { serverNoContextTakeover: true }],
      ["permessage-deflate", { serverMaxWindowBits: 10 }],
      ["permessage-deflate; server_max_window_bits=11", { serverMaxWindowBits: 10 }],
      ["permessage-deflate; client_max_window_bits=12", { clientMaxWindowBits: 11 }],
    ] as const) {
      assert.equal(typeof meaningOf(answer, options), "string", answer);
    }
  });
});

describe("options", () => {
  test("are checked", () => {
    for (const options of [
      { compressionLevel: 10 },
      { compressionLevel: -1 },
      { memLevel: 0 },
      { memLevel: 10 },
      { serverMaxWindowBits: 7 },
      { clientMaxWindowBits: 16 },
      { serverNoContextTakeover: 1 },
    ]) {
      assert.throws(() => resolveCompressionOptions(options as CompressionOptions), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });

  test("of any two ends lead to one agreement, or to none", () => {
    const options = fc.record({
      serverNoContextTakeover: fc.boolean(),
      clientNoContextTakeover: fc.boolean(),
      serverMaxWindowBits: fc.integer({ min: 8, max: 15 }),
      clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
    });
    fc.assert(
      fc.property(options, options, (client, server) => {
        const wanted = resolveCompressionOptions(client);
        const offer = parseExtensions(formatExtension(deflateOffer(wanted)))!;
        const accepted = acceptOffer(offer, resolveCompressionOptions(server));
        assert.ok(accepted !== undefined);
        const answer = parseExtensions(formatExtension(accepted.answer))![0]!;
        assert.deepEqual(readAnswer(answer, wanted), accepted.agreement);
        const { server: out, client: back } = accepted.agreement;
        assert.equal(out.windowBits, Math.min(client.serverMaxWindowBits, server.serverMaxWindowBits));
        assert.equal(back.windowBits, Math.min(client.clientMaxWindowBits, server.clientMaxWindowBits));
        assert.equal(out.takeover, !client.serverNoContextTakeover && !server.serverNoContextTakeover);
        assert.equal(back.takeover, !client.clientNoContextTakeover && !server.clientNoContextTakeover);
      }),
    );
  });
});
