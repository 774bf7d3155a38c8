/**
 * A crawler with ten workers and one queue.
 *
 * The queue holds the addresses that have been seen and not visited. Each worker takes one, visits it, and puts the links
 * in that are new. `join()` resolves when every address that was put in has been marked as done: then nobody works on
 * a page that could bring more, and all is seen.
 */
import { Queue } from "squall/queues";
import { TCPClient } from "squall/tcpclient";
import { fetchPage } from "./fetch-page.js";
import { extractLinks } from "./links.js";

export interface CrawlOptions {
  /** How many pages are visited at the same time; default 10. */
  readonly concurrency?: number;
  /** How many pages are visited in all; default 1,000. */
  readonly maxPages?: number;
  /** Milliseconds for one page; default 10 s. */
  readonly timeout?: number;
  /** Ends the crawl early, with what has been found. */
  readonly signal?: AbortSignal;
}

/** What became of one address. */
export interface Visit {
  /** The status; 0 if there was no answer. */
  readonly status: number;
  readonly links: readonly string[];
  readonly error?: unknown;
}

/** Visits a page and all pages of the same site that can be reached from it. */
export async function crawl(start: string, options: CrawlOptions = {}): Promise<Map<string, Visit>> {
  const { concurrency = 10, maxPages = 1_000, timeout = 10_000 } = options;
  const { origin, href } = new URL(start);
  const client = new TCPClient();
  const queue = new Queue<string>();
  const seen = new Set<string>();
  const visits = new Map<string, Visit>();
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([over.signal, options.signal]);

  function discover(address: string) {
    if (seen.has(address) || seen.size >= maxPages || new URL(address).origin !== origin) return;
    seen.add(address);
    queue.putNowait(address);
  }

  async function visit(address: string): Promise<Visit> {
    try {
      const { status, headers, text } = await fetchPage(client, address, timeout);
      const location = headers.get("Location");
      if (status >= 300 && status < 400 && location !== undefined && URL.canParse(location, address)) {
        return { status, links: [new URL(location, address).href] };
      }
      const isHtml = headers.get("Content-Type")?.startsWith("text/html") ?? false;
      return { status, links: isHtml ? extractLinks(text, address) : [] };
    } catch (error) {
      return { status: 0, links: [], error };
    }
  }

  async function work() {
    while (!signal.aborted) {
      const address = await queue.get({ signal });
      const result = await visit(address);
      visits.set(address, result);
      result.links.forEach(discover);
      queue.taskDone();
    }
  }

  discover(href);
  // A worker ends when the signal aborts, here or in its get(): that is no error.
  const workers = Array.from({ length: concurrency }, () => work().catch(ignoreAbort));
  await queue.join({ signal }).catch(ignoreAbort);
  over.abort();
  await Promise.all(workers);
  client.close();
  return visits;

  function ignoreAbort(error: unknown) {
    if (!signal.aborted) throw error;
  }
}
