/** HTTPS: the same server over TLS, spoken to by Node's own client. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import type { HTTPServerRequest } from "squall/httputil";
import { caCerts, certificate } from "../support/certs.js";
import { answer } from "../support/virtual-server.js";

async function withTLS(
  callback: (request: HTTPServerRequest) => void,
  options: HTTPServerOptions,
  run: (get: (more?: RequestOptions) => Promise<string>) => Promise<void>,
): Promise<void> {
  const server = new HTTPServer(callback, options);
  await server.listen(0, "127.0.0.1");
  try {
    await run(async (more) => {
      const ca = readFileSync(caCerts);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpsRequest({ host: "127.0.0.1", port: server.port, ca, agent: false, ...more }, resolve)
          .on("error", reject)
          .end();
      });
      return text(response);
    });
  } finally {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  }
}

describe("HTTPServer with sslOptions", () => {
  test("serves HTTPS, and requests report it", () =>
    withTLS(
      (request) => answer(request, `${request.protocol} ${request.getSslCertificate()}`),
      { sslOptions: certificate("server") },
      async (get) => assert.equal(await get(), "https undefined"),
    ));

  test("reports the protocol that it was told to report", () =>
    withTLS(
      (request) => answer(request, request.protocol),
      { sslOptions: certificate("server"), protocol: "http" },
      async (get) => assert.equal(await get(), "http"),
    ));

  test("a client's certificate is read by getSslCertificate(), as an object or in DER", () =>
    withTLS(
      (request) => {
        const certificate = request.getSslCertificate() as { subject: { CN: string } };
        answer(request, `${certificate.subject.CN} ${request.getSslCertificate({ binaryForm: true })?.[0]}`);
      },
      { sslOptions: { ...certificate("server"), certReqs: "required", caCerts } },
      async (get) => {
        const { certfile, keyfile } = certificate("client");
        const mine = { cert: readFileSync(certfile), key: readFileSync(keyfile) };
        // DER begins with the octet of a SEQUENCE.
        assert.match(await get(mine), /^\S.* 48$/);
        await assert.rejects(get());
      },
    ));
});
