/** The handshake where the platform does not say by its handle what is wrong with a certificate. */
import "../../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { IOLoop } from "squall/ioloop";
import { sslOptionsToContext } from "squall/netutil";
import type { NetworkSocket } from "#room/async/network";
import { beginHandshake } from "#room/net/tls/tls-handshake";
import { caCerts, certificate } from "../../support/certs.js";

/**
 * What comes of the handshake of a client with a good certificate if the server's socket says `result` of it, or
 * its handle the code `code`.
 */
async function outcome(
  result: { authorized?: boolean; authorizationError?: string },
  code?: string,
): Promise<string | undefined> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { certfile, keyfile } = certificate("client");
  const client = tlsConnect({
    port: (server.address() as AddressInfo).port,
    ca: readFileSync(caCerts),
    cert: readFileSync(certfile),
    key: readFileSync(keyfile),
    servername: "localhost",
  });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  let tls: TLSSocket | undefined;
  try {
    const error = await new Promise<Error | undefined>((resolve) => {
      tls = beginHandshake(
        socket as NetworkSocket,
        {
          context: sslOptionsToContext(
            { ...certificate("server"), caCerts, certReqs: "required" },
            { serverSide: true },
          ),
          serverSide: true,
          serverHostname: undefined,
          timeout: Number.POSITIVE_INFINITY,
          ioLoop: IOLoop.current(),
        },
        resolve,
      );
      const { _handle: handle } = tls as unknown as { _handle?: { verifyError?: unknown } | null };
      assert.equal(typeof handle?.verifyError, "function");
      handle!.verifyError = code === undefined ? undefined : () => code;
      Object.assign(tls, result);
    });
    return error?.message;
  } finally {
    tls?.destroy();
    client.destroy();
    server.close();
  }
}

const hasHandle = !("Bun" in globalThis) && !("Deno" in globalThis);

test("a handle that answers with the code of an error, empty for none, is believed", {
  skip: hasHandle ? false : "other runtimes set these members by themselves",
}, async () => {
  assert.equal(await outcome({}, ""), undefined);
  assert.equal(await outcome({}, "CERT_HAS_EXPIRED"), "invalid client certificate: CERT_HAS_EXPIRED");
});

test("counts what the socket says of the client's certificate, and nothing said is a refusal", {
  skip: hasHandle ? false : "other runtimes set these members by themselves",
}, async () => {
  assert.equal(await outcome({ authorized: true }), undefined);
  assert.equal(await outcome({}), "the certificate of the client cannot be verified");
  assert.equal(
    await outcome({ authorizationError: "CERT_HAS_EXPIRED" }),
    "invalid client certificate: CERT_HAS_EXPIRED",
  );
});
