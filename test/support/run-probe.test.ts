/** Says with what the tests of this run are run; run-options.test.ts looks at it. */
import { test } from "node:test";
import { appLog } from "squall/log";
import { Resolver } from "squall/netutil";
import "./guard.js";
import { clientExchange, serverClass } from "./implementations.js";

test("the tests say with what they run", async (context) => {
  const { locale } = Intl.NumberFormat().resolvedOptions();
  context.diagnostic(
    `this run: ${new Intl.NumberFormat().format(1.5)} in ${locale}, ${Resolver.create().constructor.name}`,
  );
  context.diagnostic(`this run: ${(await serverClass()).name}, ${(await clientExchange()).name}`);
  if (process.env.SQUALL_TEST_STRAY !== undefined) appLog.warning("a stray line");
});
