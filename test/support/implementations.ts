/**
 * With what the tests of HTTP are run: squall's own server and client, or those that `npm test` was told to use with
 * `--httpserver=FILE#CLASS` and `--httpclient=FILE#FUNCTION` (compiled modules, the path from the project's root).
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HTTPServer } from "squall/httpserver";
import { exchange } from "#room/testing/exchange";
import { root } from "./root.js";

async function chosen(option: string, given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined;
  const [file, name] = given.split("#");
  const module = (await import(pathToFileURL(resolve(root, file!)).href)) as Readonly<
    Record<string, unknown>
  >;
  const found = module[name ?? ""];
  if (typeof found !== "function") throw new Error(`--${option}=${given}: the module has no such export`);
  return found;
}

/** The class of server under test. */
export async function serverClass(): Promise<typeof HTTPServer> {
  const found = (await chosen("httpserver", process.env.SQUALL_TEST_HTTPSERVER)) as
    | typeof HTTPServer
    | undefined;
  if (found !== undefined && !(found.prototype instanceof HTTPServer)) {
    throw new Error(`--httpserver: ${found.name} is not a kind of HTTPServer`);
  }
  return found ?? HTTPServer;
}

/** The function under test that sends one request. */
export async function clientExchange(): Promise<typeof exchange> {
  return (
    ((await chosen("httpclient", process.env.SQUALL_TEST_HTTPCLIENT)) as typeof exchange | undefined) ??
    exchange
  );
}
