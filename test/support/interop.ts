/**
 * Packages of other people that whole-server tests talk to. They are installed below test/interop, so that the
 * root's lock file stays small; `npm run test:e2e` sees to it.
 *
 * Their types are not there when the tests are compiled. Each test says in a small interface what it uses.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { root } from "./root.js";

const require = createRequire(`${root}test/interop/package.json`);

/** A package that test/interop/package.json names. */
export type InteropPackage =
  | "@nestjs/common"
  | "@nestjs/core"
  | "@nestjs/platform-express"
  | "socket.io"
  | "socket.io-client"
  | "playwright-core"
  | "tough-cookie"
  | "undici"
  | "ws"
  | "express"
  | "koa"
  | "fastify"
  | "hono"
  | "itty-router"
  | "compression"
  | "serve-static"
  | "multer"
  | "cookie-session"
  | "bun"
  | "deno";

/** Test options that skip where the packages are not installed; with `CI=true` that throws instead. */
export function needsPackages(...names: InteropPackage[]): { skip: string | false } {
  const absent = names.filter((name) => !existsSync(`${root}test/interop/node_modules/${name}`));
  if (absent.length === 0) return { skip: false };
  const message = `needs ${absent.join(", ")} (npm run test:e2e installs them)`;
  if (process.env.CI === "true") throw new Error(message);
  return { skip: message };
}

/** Imports such a package; `T` is the part of it that the caller uses. */
export async function loadPackage<T>(name: InteropPackage): Promise<T> {
  const loaded = (await import(pathToFileURL(require.resolve(name)).href)) as { default?: T } & T;
  return loaded.default ?? loaded;
}
