/** What the containers call the things of Fetch. */

/** What an application learns beside the request: Hono hands it to its handlers as `c.env`. */
export interface FetchInfo {
  /** The client's address; behind a trusted proxy the one that the proxy names. Empty if it is not known. */
  readonly remoteIp: string;
  /** "http" or "https", as the client sees it. */
  readonly protocol: string;
}

/** An application of Fetch's kind: `app.fetch` of Hono, `router.fetch` of itty-router, a plain function. */
export type FetchApplication = (request: Request, info: FetchInfo) => Response | PromiseLike<Response>;
