/**
 * One GET request, with the layers below a client: a stream from `TCPClient`, and an `HTTP1Connection` on it, which
 * writes the request and feeds the response to a delegate.
 *
 * (For everyday requests there are clients. This one shows what they are made of.)
 */
import { withTimeout } from "squall/gen";
import { HTTP1Connection } from "squall/http1connection";
import { HTTPHeaders, type HTTPMessageDelegate, type ResponseStartLine } from "squall/httputil";
import type { TCPClient } from "squall/tcpclient";

export interface Page {
  readonly status: number;
  readonly headers: HTTPHeaders;
  readonly text: string;
}

/** Larger pages are refused. */
const LARGEST_PAGE = 2 ** 20;

/** Collects the response. */
class PageDelegate implements HTTPMessageDelegate {
  page: Page | undefined;
  #status = 0;
  #headers = new HTTPHeaders();
  readonly #chunks: Buffer[] = [];

  headersReceived(startLine: ResponseStartLine, headers: HTTPHeaders) {
    // Informational responses (1xx) come before the real one.
    this.#status = startLine.code;
    this.#headers = headers;
  }

  dataReceived(chunk: Buffer) {
    this.#chunks.push(chunk);
  }

  finish() {
    const text = Buffer.concat(this.#chunks).toString();
    this.page = { status: this.#status, headers: this.#headers, text };
  }

  /** The connection ended in the middle: `page` stays undefined. */
  onConnectionClose() {}
}

/** Gets a page. Rejects when it cannot be had within the time, or not whole. */
export async function fetchPage(client: TCPClient, address: string, timeout: number): Promise<Page> {
  const { protocol, hostname, port, host, pathname, search } = new URL(address);
  const isSecure = protocol === "https:";
  const stream = await client.connect(
    hostname.replace(/^\[(.*)\]$/, "$1"),
    Number(port || (isSecure ? 443 : 80)),
    isSecure ? { timeout, sslOptions: {} } : { timeout },
  );
  try {
    const connection = new HTTP1Connection(stream, true, { noKeepAlive: true, maxBodySize: LARGEST_PAGE });
    const headers = new HTTPHeaders({
      Host: host,
      Connection: "close",
      Accept: "text/html",
      "User-Agent": "webspider",
    });
    void connection.writeHeaders({ method: "GET", path: pathname + search, version: "HTTP/1.1" }, headers);
    connection.finish();
    const delegate = new PageDelegate();
    await withTimeout(timeout, connection.readResponse(delegate));
    if (delegate.page === undefined) throw new Error("the response is not whole, or not one that we take");
    return delegate.page;
  } finally {
    stream.close();
  }
}
