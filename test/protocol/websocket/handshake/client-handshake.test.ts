/** The opening handshake of a client: RFC 6455 §4.1. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import {
  type ClientOffer,
  newClientOffer,
  offerFields,
  readServerHandshake,
} from "#room/protocol/websocket/handshake/client-handshake";
import { resolveCompressionOptions } from "#room/protocol/websocket/handshake/permessage-deflate";

const handshakeError = { code: "ERR_SQUALL_WEBSOCKET_HANDSHAKE" };

function answer(offer: ClientOffer, changes: Readonly<Record<string, string | undefined>> = {}): HTTPHeaders {
  const fields: Record<string, string | undefined> = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": acceptValue(offer.key),
    ...changes,
  };
  return HTTPHeaders.fromRaw(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
  );
}

describe("an offer", () => {
  test("holds the fields of RFC 6455 §4.1 and a new key", () => {
    const offer = newClientOffer(["chat", "superchat"], resolveCompressionOptions());
    assert.notEqual(newClientOffer().key, offer.key);
    assert.deepEqual(offerFields(offer), [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Key", offer.key],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Protocol", "chat, superchat"],
      ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"],
    ]);
    assert.equal(offerFields(newClientOffer()).length, 4);
  });

  test("has subprotocols that are tokens and differ", () => {
    for (const subprotocols of [["a b"], [""], ["a,b"], ["é"], ["a", "a"]]) {
      assert.throws(() => newClientOffer(subprotocols), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });
});

describe("case 54: the answer to an offer", () => {
  const offer = newClientOffer(["chat", "superchat"], resolveCompressionOptions());

  test("opens the connection, with or without a subprotocol and compression", () => {
    assert.deepEqual(readServerHandshake(101, answer(offer), offer), {
      subprotocol: undefined,
      deflate: undefined,
    });
    assert.deepEqual(
      readServerHandshake(
        101,
        answer(offer, {
          Upgrade: "WebSocket",
          Connection: "keep-alive, upgrade",
          "Sec-WebSocket-Protocol": "superchat",
          "Sec-WebSocket-Extensions": "permessage-deflate",
        }),
        offer,
      ),
      {
        subprotocol: "superchat",
        deflate: { server: { takeover: true, windowBits: 15 }, client: { takeover: true, windowBits: 15 } },
      },
    );
  });

  test("fails with another status than 101", () => {
    for (const status of [200, 101.5, 301, 401, 426]) {
      assert.throws(() => readServerHandshake(status, answer(offer), offer), handshakeError);
    }
  });

  for (const [title, changes] of [
    ["no Upgrade", { Upgrade: undefined }],
    ["another Upgrade", { Upgrade: "h2c" }],
    ["a list in Upgrade", { Upgrade: "websocket, h2c" }],
    ["no Connection", { Connection: undefined }],
    ["another Connection", { Connection: "close" }],
    ["no Accept", { "Sec-WebSocket-Accept": undefined }],
    ["the Accept of another key", { "Sec-WebSocket-Accept": acceptValue("dGhlIHNhbXBsZSBub25jZQ==") }],
    ["an Accept in other letters", { "Sec-WebSocket-Accept": acceptValue(offer.key).toLowerCase() }],
    ["a subprotocol that was not offered", { "Sec-WebSocket-Protocol": "other" }],
    ["two subprotocols", { "Sec-WebSocket-Protocol": "chat, superchat" }],
    ["an empty subprotocol", { "Sec-WebSocket-Protocol": "" }],
    ["malformed extensions", { "Sec-WebSocket-Extensions": "permessage-deflate;" }],
    ["an extension that was not offered", { "Sec-WebSocket-Extensions": "x-other" }],
    ["an extension twice", { "Sec-WebSocket-Extensions": "permessage-deflate, permessage-deflate" }],
    ["a parameter that is unknown", { "Sec-WebSocket-Extensions": "permessage-deflate; x" }],
  ] as const) {
    test(`fails with ${title}`, () => {
      assert.throws(() => readServerHandshake(101, answer(offer, changes), offer), handshakeError);
    });
  }

  test("fails with compression or a subprotocol where none was offered", () => {
    const bare = newClientOffer();
    for (const changes of [
      { "Sec-WebSocket-Extensions": "permessage-deflate" },
      { "Sec-WebSocket-Protocol": "chat" },
    ]) {
      assert.throws(() => readServerHandshake(101, answer(bare, changes), bare), handshakeError);
    }
  });
});
