/** `squall fetch`: fetches URLs and prints what came, as `python -m tornado.httpclient` does. */

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { OptionParser } from "../../base/option-parser.js";
import { AsyncHTTPClient } from "./async-client.js";
import type { HTTPRequestOptions } from "./request.js";
import { HTTPClientError, type HTTPResponse } from "./response.js";

/** Where {@link main} writes, and what it reads. */
export interface FetchMainOptions {
  /** The arguments; default those of the process, behind the script. */
  readonly args?: readonly string[] | undefined;
  /** Where responses are printed; default stdout. */
  readonly output?: NodeJS.WritableStream | undefined;
  /** Where errors and progress are shown; default stderr. */
  readonly errors?:
    | (NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number })
    | undefined;
}

function defineOptions(): OptionParser {
  const parser = new OptionParser();
  parser.define("print-headers", { type: Boolean, default: false, help: "print the fields of the response" });
  parser.define("print-body", { type: Boolean, default: true, help: "print the body of the response" });
  parser.define("follow-redirects", { type: Boolean, default: true, help: "follow redirects" });
  parser.define("validate-cert", { type: Boolean, default: true, help: "check the server's certificate" });
  parser.define("proxy-host", { type: String, help: "a proxy" });
  parser.define("proxy-port", { type: Number, help: "its port" });
  parser.define("proxy-secure", { type: Boolean, default: false, help: "speak TLS with the proxy" });
  parser.define("output", {
    type: String,
    help: "write the body to this file, with a progress bar on a terminal",
  });
  return parser;
}

/**
 * Fetches the URLs of the command line and prints them. Resolves with the exit status: 0, 1 when a fetch
 * failed, 2 for a mistake in the command line.
 */
export async function main(how: FetchMainOptions = {}): Promise<number> {
  const { args = process.argv.slice(2), output = process.stdout, errors = process.stderr } = how;
  const parser = defineOptions();
  let urls: string[];
  try {
    urls = parser.parseCommandLine(["fetch", ...args], { exit: false });
  } catch (error) {
    errors.write(`squall fetch: ${(error as Error).message}\n`);
    return 2;
  }
  const file = parser.get("output") as string | undefined;
  if (urls.length === 0 || (file !== undefined && urls.length > 1)) {
    errors.write(
      `usage: squall fetch [options] URL …${file === undefined ? "" : " (one URL with --output)"}\n`,
    );
    return 2;
  }
  const client = new AsyncHTTPClient({ forceInstance: true, maxBodySize: Number.POSITIVE_INFINITY });
  const options: HTTPRequestOptions = {
    followRedirects: parser.get("follow-redirects") as boolean,
    validateCert: parser.get("validate-cert") as boolean,
    proxyHost: parser.get("proxy-host") as string | undefined,
    proxyPort: parser.get("proxy-port") as number | undefined,
    proxySecure: parser.get("proxy-secure") as boolean,
    streamBody: true,
  };
  try {
    for (const url of urls) {
      const response = await client.fetch(url, { ...options, raiseError: false });
      if (parser.get("print-headers") === true) output.write(`${response.headers}\n`);
      if (file !== undefined) await download(response, file, errors);
      else if (parser.get("print-body") === true) await print(response, output);
      else response.stream?.cancel();
      response.rethrow();
    }
    return 0;
  } catch (error) {
    const known = error instanceof HTTPClientError || error instanceof Error;
    errors.write(`squall fetch: ${known ? (error as Error).message : String(error)}\n`);
    return 1;
  } finally {
    client.close();
  }
}

async function print(response: HTTPResponse, output: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of response.stream!) if (!output.write(chunk)) await once(output, "drain");
}

/** Writes the body to a file; the bar needs a terminal. */
async function download(
  response: HTTPResponse,
  path: string,
  errors: NonNullable<FetchMainOptions["errors"]>,
): Promise<void> {
  const length = response.headers.get("Content-Length");
  const total =
    length === undefined || response.headers.has("X-Consumed-Content-Encoding") ? undefined : Number(length);
  const file: WriteStream = createWriteStream(path);
  await once(file, "open");
  let received = 0;
  let shown = "";
  const show = (): void => {
    if (errors.isTTY !== true) return;
    const line = progressLine(received, total, errors.columns ?? 80);
    if (line !== shown) errors.write(`\r${line}`);
    shown = line;
  };
  try {
    for await (const chunk of response.stream!) {
      received += chunk.length;
      if (!file.write(chunk)) await once(file, "drain");
      show();
    }
  } finally {
    if (shown !== "") errors.write("\n");
    file.end();
    await once(file, "close");
  }
}

/** How far a download is, in one line of a terminal. */
export function progressLine(received: number, total: number | undefined, columns: number): string {
  const size = `${(received / 1_048_576).toFixed(1)} MiB`;
  if (total === undefined || total === 0) return size;
  const part = Math.min(1, received / total);
  const text = ` ${String(Math.floor(part * 100)).padStart(3)} % ${size}`;
  const width = Math.max(0, Math.min(columns - text.length - 3, 60));
  const filled = Math.round(part * width);
  return `[${"#".repeat(filled)}${" ".repeat(width - filled)}]${text}`;
}
