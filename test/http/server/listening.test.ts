import { test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { ExpectLog, MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application } from "squall/web";
import "../../support/guard.js";

test("listen() says at info level under which URL the server can be reached", async () => {
  await VirtualLoop.run(
    async () => {
      using _log = new ExpectLog("squall.general", /^listening on http:\/\/127\.0\.0\.1:8080\/$/, {
        level: "info",
      });
      const server = await new Application([]).listen(8080, "127.0.0.1");
      await server.stop();
    },
    { network: new MemoryNetwork() },
  );
});

test("listen() for a second port names that one alone", async () => {
  await VirtualLoop.run(
    async () => {
      const server = new HTTPServer(() => {});
      await server.listen(8080, "127.0.0.1");
      using _log = new ExpectLog("squall.general", /^listening on http:\/\/127\.0\.0\.1:8081\/$/, {
        level: "info",
      });
      await server.listen(8081, "127.0.0.1");
      await server.stop();
    },
    { network: new MemoryNetwork() },
  );
});
