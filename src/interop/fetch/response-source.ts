/**
 * What a `Response` was made of, when that is a text or octets in memory.
 *
 * The standard has one way to the body of a response, its stream, and a promise for each piece of it: 8 to
 * 15 µs for a text that has been there all the time. Node keeps what the body was made of under a symbol of
 * its own (up to version 22). Where it is found, as a probe shows at the first use, the stream is left
 * alone; elsewhere it is read.
 */

interface ResponseState {
  readonly body?: { readonly source?: unknown; readonly stream?: { readonly locked: boolean } } | null;
}

/** Not looked for yet: null. Undefined: this platform keeps nothing that we may look at. */
let key: symbol | undefined | null = null;

/**
 * The body of a response whose `bodyUsed` is false, as text or octets; undefined if only its stream can tell.
 */
export function sourceOf(response: Response): string | Uint8Array | undefined {
  if (key === null) key = findKey();
  if (key === undefined) return undefined;
  const body = stateOf(response, key)?.body;
  const source = body?.source;
  if (typeof source !== "string" && !(source instanceof Uint8Array)) return undefined;
  return body?.stream?.locked === false ? source : undefined;
}

function stateOf(response: Response, symbol: symbol): ResponseState | undefined {
  return (response as unknown as Record<symbol, ResponseState | undefined>)[symbol];
}

/** The symbol under which both a text and octets are found. */
function findKey(): symbol | undefined {
  const text = new Response("probe");
  const octets = new Response(new Uint8Array([1, 2]));
  return Object.getOwnPropertySymbols(text).find((symbol) => {
    const found = stateOf(octets, symbol)?.body?.source;
    const stream = stateOf(text, symbol)?.body?.stream;
    return (
      stateOf(text, symbol)?.body?.source === "probe" &&
      stream?.locked === false &&
      found instanceof Uint8Array &&
      found.length === 2
    );
  });
}
