import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep } from "squall/gen";
import { accessLog } from "squall/log";
import { AsyncHTTPTestCase, genTest, MemoryNetwork, TestResponseError, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import "../support/guard.js";

accessLog.setLevel("critical");

class Main extends RequestHandler {
  override async get() {
    await sleep(this.getArgument("ms", null) === null ? 0 : 60_000);
    this.write({ path: this.request.path });
  }
  override post() {
    this.write(this.request.body);
  }
}

abstract class Cases extends AsyncHTTPTestCase {
  getApp() {
    return new Application([["/.*", Main]]);
  }

  async testGet() {
    const response = await this.fetch("/path?x=1");
    assert.equal(response.code, 200);
    assert.equal(response.reason, "OK");
    assert.deepEqual(response.json(), { path: "/path" });
    assert.equal(response.headers.get("Content-Type"), "application/json; charset=UTF-8");
  }

  async testPostAndUrl() {
    const response = await this.fetch(this.getUrl("/"), { method: "POST", body: "ü" });
    assert.equal(response.text, "ü");
  }

  async testErrorsAreResponses() {
    assert.equal((await this.fetch("/", { method: "DELETE" })).code, 405);
    await assert.rejects(
      this.fetch("/", { method: "DELETE", raiseError: true }),
      (error) => error instanceof TestResponseError && error.response.code === 405,
    );
  }
}

class OnTheMachine extends Cases {}

class InMemory extends Cases {
  override getNewIoloop() {
    return new VirtualLoop({ network: new MemoryNetwork(), makeCurrent: false });
  }

  @genTest({ timeout: 100_000 })
  async testAMinuteTakesNoTime() {
    const before = performance.now();
    const response = await this.fetch("/?ms=1", { timeout: 100_000 });
    assert.equal(response.code, 200);
    assert.ok(performance.now() - before < 5000);
  }
}

OnTheMachine.register({ describe, test });
InMemory.register({ describe, test });

describe("AsyncHTTPTestCase", () => {
  test("has no server and no client before setUp()", () => {
    const testCase = new OnTheMachine("testGet");
    assert.throws(() => testCase.httpServer, { code: "ERR_SQUALL_INVALID_STATE" });
    assert.throws(() => testCase.httpClient, { code: "ERR_SQUALL_INVALID_STATE" });
  });

  test("closes its server afterwards", async () => {
    const testCase = new OnTheMachine("testGet");
    await testCase.setUp();
    const url = testCase.getUrl("/");
    await testCase.tearDown();
    await assert.rejects(fetch(url));
  });
});
