/** Close codes, the payload of close frames, and the closing handshake as a table. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isCloseCode } from "#room/protocol/websocket/close-codes";
import {
  type CloseEvent,
  type CloseState,
  nextCloseState,
  transportEnd,
} from "#room/protocol/websocket/close-handshake";
import { closePayload, readClosePayload } from "#room/protocol/websocket/close-payload";
import { WebSocketProtocolError } from "#room/protocol/websocket/errors";

describe("close codes", () => {
  test("case 60: those of the registry, of libraries and of applications may stand in a frame, no others", () => {
    const allowed = Array.from({ length: 65_536 }, (_, code) => code).filter(isCloseCode);
    const expected = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    for (let code = 3000; code < 5000; code++) expected.push(code);
    assert.deepEqual(allowed, expected);
  });
});

describe("the payload of a close frame", () => {
  test("is empty, a code, or a code and a reason", () => {
    assert.deepEqual(readClosePayload(Buffer.alloc(0)), { code: 1005, reason: "" });
    assert.deepEqual(readClosePayload(Buffer.from("03e8", "hex")), { code: 1000, reason: "" });
    assert.deepEqual(readClosePayload(Buffer.from("0fa0c3a9", "hex")), { code: 4000, reason: "é" });
  });

  test("case 60: of one octet, or with a code that must not be sent, is a violation with code 1002", () => {
    for (const hex of ["61", "0000", "03e7", "03ec", "03ed", "03ee", "03f7", "0bb7", "1388", "ffff"]) {
      const error = readClosePayload(Buffer.from(hex, "hex"));
      assert.ok(error instanceof WebSocketProtocolError, hex);
      assert.equal(error.code, "ERR_SQUALL_WEBSOCKET_CLOSE_FRAME");
      assert.equal(error.closeCode, 1002);
    }
  });

  test("case 59: with a reason that is not UTF-8 is a violation with code 1007", () => {
    for (const hex of ["03e8ff", "03e8c3", "03e8eda080"]) {
      const error = readClosePayload(Buffer.from(hex, "hex"));
      assert.ok(error instanceof WebSocketProtocolError, hex);
      assert.equal(error.closeCode, 1007);
    }
  });

  test("is written with 1000 when there is a reason alone", () => {
    assert.equal(closePayload(undefined, undefined).length, 0);
    assert.equal(closePayload(undefined, "").length, 0);
    assert.equal(closePayload(undefined, "é").toString("hex"), "03e8c3a9");
    assert.equal(closePayload(4000, undefined).toString("hex"), "0fa0");
    assert.equal(closePayload(1001, "x".repeat(123)).length, 125);
  });

  test("is refused with a code that must not be sent or a reason that is too long", () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN]) {
      assert.throws(
        () => closePayload(code, undefined),
        { code: "ERR_SQUALL_INVALID_ARGUMENT" },
        String(code),
      );
    }
    assert.throws(() => closePayload(1000, "é".repeat(62)), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});

describe("the closing handshake", () => {
  const STATES: readonly CloseState[] = ["open", "closing", "answering", "closed", "failed", "ended"];
  const EVENTS: readonly CloseEvent[] = ["sent", "received", "failed", "ended"];

  /** The states that events lead to from "open". */
  const after = (...events: readonly CloseEvent[]) =>
    events.reduce<CloseState>((state, event) => nextCloseState(state, event) ?? state, "open");

  test("is closed when both close frames have passed, in either order", () => {
    assert.equal(after("sent", "received"), "closed");
    assert.equal(after("received", "sent"), "closed");
  });

  test("knows no second close frame in either direction, and nothing after the end", () => {
    assert.equal(nextCloseState("closing", "sent"), undefined);
    assert.equal(nextCloseState("answering", "received"), undefined);
    for (const event of ["sent", "received", "failed"] as const) {
      for (const state of ["closed", "failed", "ended"] as const) {
        assert.equal(nextCloseState(state, event), undefined, `${state}, ${event}`);
      }
    }
    assert.equal(nextCloseState("ended", "ended"), undefined);
  });

  test("ends from every state when TCP ends", () => {
    for (const state of STATES) {
      if (state !== "ended") assert.equal(nextCloseState(state, "ended"), "ended");
    }
  });

  test("never comes back to open, whatever happens", () => {
    for (const state of STATES)
      for (const event of EVENTS) assert.notEqual(nextCloseState(state, event), "open");
  });

  test("leaves the end of TCP to the server, except after a violation (RFC 6455 §7.1.1, §7.1.7)", () => {
    assert.equal(transportEnd("closed", "server"), "ours");
    assert.equal(transportEnd("closed", "client"), "peers");
    assert.equal(transportEnd("failed", "client"), "ours");
    assert.equal(transportEnd("failed", "server"), "ours");
    for (const state of ["open", "closing", "answering", "ended"] as const) {
      assert.equal(transportEnd(state, "server"), "none");
      assert.equal(transportEnd(state, "client"), "none");
    }
  });
});
