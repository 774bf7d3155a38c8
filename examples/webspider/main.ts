/**
 * A web spider: visits all pages of a site, ten at a time, and tells which links are broken.
 *
 *     node build/examples/webspider/main.js http://localhost:8888/
 *
 * It shows how the layers below a web framework are used by themselves: a queue between workers (spider.ts), an HTTP/1
 * connection as a client (fetch-page.ts), and a careful little scanner for links (links.ts). Ctrl-C ends it early.
 */
import { crawl } from "./spider.js";

const [start] = process.argv.slice(2);
if (start === undefined || !URL.canParse(start) || !/^https?:/.test(start)) {
  console.error("usage: node build/examples/webspider/main.js http://host/path");
  process.exit(1);
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());

const began = performance.now();
const visits = await crawl(start, { signal: interrupted.signal });
const broken = [...visits].filter(([, { status }]) => status === 0 || status >= 400);
for (const [address, { status, error }] of broken) {
  const reason = status === 0 ? (error instanceof Error ? error.message : String(error)) : status;
  const from = [...visits].find(([, visit]) => visit.links.includes(address))?.[0] ?? "the command line";
  console.log(`${address}: ${reason} (a link of ${from})`);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${visits.size} pages in ${seconds} s, ${broken.length} of them broken`);
process.exitCode = broken.length > 0 ? 1 : 0;
