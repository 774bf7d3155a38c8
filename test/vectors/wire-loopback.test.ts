/** A sample of the `wire` vectors over real sockets: the memory network must not be kinder than the system's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { IOLoop } from "squall/ioloop";
import { RawClient } from "../support/raw-client.js";
import { wireApplication } from "./apps/wire.js";
import { exchangeInMemory, quietly, serverOptions, textOf } from "./families/wire.js";
import { OWN_VECTORS, readFamily } from "./runner.js";
import { normaliser } from "./wire-compare.js";

const STEP = 5;

const file = readFamily(OWN_VECTORS, "wire");
const normalise = normaliser(file.more.normalise);
const sample = file.cases.filter(
  // Deadlines take real time here, and are tried in virtual time.
  ({ kwargs }, i) => i % STEP === 0 && !/timeout/.test(JSON.stringify(kwargs.server)),
);

test(`${sample.length} exchanges give the same bytes over loopback as in memory`, async () => {
  for (const { id, args, kwargs } of sample) {
    const segments = args[0] as Buffer[];
    const server = kwargs.server as Record<string, unknown>;
    const wanted = await exchangeInMemory(segments, server, [], normalise);
    await quietly(async () => {
      const http = new HTTPServer(wireApplication(), serverOptions(server));
      await http.listen(0, "127.0.0.1");
      const client = await RawClient.connect(IOLoop.current(), http.port!);
      for (const segment of segments) client.send(segment);
      if (wanted.open) await client.whenReceived(() => normalise(textOf(client)).length >= wanted.raw.length);
      else await client.whenEnded();
      assert.equal(normalise(textOf(client)), wanted.raw, id);
      assert.equal(client.ended, !wanted.open, id);
      assert.equal(client.error, undefined, id);
      client.close();
      await http.stop();
      await http.closeAllConnections({ timeout: 0 });
    });
  }
});
