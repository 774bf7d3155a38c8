/** Loaded before each test file by `npm test -- --resolver=NAME`: the resolver of whoever asks for none. */
import * as netutil from "squall/netutil";

const name = process.env.SQUALL_TEST_RESOLVER ?? "";
const Chosen: unknown = (netutil as Readonly<Record<string, unknown>>)[name];
if (
  typeof Chosen !== "function" ||
  !(Chosen === netutil.Resolver || Chosen.prototype instanceof netutil.Resolver)
) {
  throw new Error(`--resolver=${name}: squall/netutil has no resolver of that name`);
}
const ChosenResolver = Chosen as new (options?: object) => netutil.Resolver;
netutil.Resolver.configure((options) => new ChosenResolver(options));
