// Drives a server with wrk from the client's core.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLIENT_CORE } from "./process.mjs";

const lua = join(dirname(fileURLToPath(import.meta.url)), "report.lua");

/** What a browser sends to open a page: 12 fields, about 700 bytes with the request line. */
const BROWSER = {
  Connection: "keep-alive",
  "Cache-Control": "max-age=0",
  "sec-ch-ua": '"Chromium";v="142", "Not:A-Brand";v="99", "Google Chrome";v="142"',
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Linux"',
  "Upgrade-Insecure-Requests": "1",
  "User-Agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7",
  Cookie:
    "_xsrf=2|7e0ac1b2|d2f0a0c7f4f6b7d6f2a8e1c3|1732262400; theme=dark; seen=1732262399; tz=Europe%2FBerlin",
};

/** The request heads that the benchmarks know: fields beside `Host`, which wrk sends itself. */
export const HEADS = { short: {}, browser: BROWSER };

/**
 * Runs wrk once. Options: `connections` (64), `seconds`, `head` (a name of {@link HEADS}), `paths` (how many
 * paths `/section-N/item/N` to ask for in turn; without it `path`, default `/`).
 * Resolves with `{ requests, seconds, perSecond, p50, p99, errors }`, latencies in milliseconds.
 */
export async function wrk(port, { connections = 64, seconds, head = "short", path = "/", paths = 0 }) {
  const fields = Object.entries(HEADS[head]).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", lua, ...fields];
  const child = spawn("taskset", ["-c", CLIENT_CORE, "wrk", ...args, `http://127.0.0.1:${port}${path}`], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, BENCH_PATHS: String(paths) },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const status = await new Promise((resolve) => child.once("close", resolve));
  const line = /^RESULT (.*)$/m.exec(output)?.[1];
  if (status !== 0 || line === undefined) throw new Error(`wrk failed (${status}):\n${output}`);
  const result = JSON.parse(line);
  if (result.requests === 0) throw new Error("wrk got no answer at all");
  return { ...result, perSecond: result.requests / result.seconds };
}
