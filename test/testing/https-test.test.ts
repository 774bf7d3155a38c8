import assert from "node:assert/strict";
import { test } from "node:test";
import { AsyncHTTPSTestCase, MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";

class ProtocolHandler extends RequestHandler {
  override get(): void {
    this.write(`${this.request.protocol} ${this.request.host}`);
  }
}

class Case extends AsyncHTTPSTestCase {
  getApp(): Application {
    return new Application([["/", ProtocolHandler]]);
  }
}

class InMemory extends Case {
  override getNewIoloop(): VirtualLoop {
    return new VirtualLoop({ makeCurrent: false, network: new MemoryNetwork() });
  }
}

for (const [where, TestCase] of [
  ["on the machine's ports", Case],
  ["in memory", InMemory],
] as const) {
  test(`AsyncHTTPSTestCase serves over TLS ${where}, and its client does not verify the certificate`, async () => {
    const one = new TestCase();
    await one.setUp();
    try {
      const response = await one.fetch("/");
      assert.equal(response.code, 200);
      assert.equal(response.text, `https 127.0.0.1:${one.getHttpPort()}`);
    } finally {
      await one.tearDown();
    }
  });
}

test("a client that verifies refuses the certificate that comes with AsyncHTTPSTestCase", async () => {
  const one = new Case();
  await one.setUp();
  try {
    await assert.rejects(one.fetch("/", { sslOptions: {} }), /certificate/);
  } finally {
    await one.tearDown();
  }
});
