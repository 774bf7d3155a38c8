/**
 * Tests of applications by asking them over HTTP.
 *
 * Each test gets a server for its application on a free port of the loop's network: the machine's own, or one
 * in memory if {@link AsyncTestCase.getNewIoloop} gives a `VirtualLoop` with a `MemoryNetwork`, where
 * timeouts take no time.
 *
 *     class HelloTest extends AsyncHTTPTestCase {
 *       getApp() { return new Application([["/", MainHandler]]); }
 *
 *       async testHello() {
 *         const response = await this.fetch("/");
 *         assert.equal(response.code, 200);
 *         assert.equal(response.text, "Hello, world");
 *       }
 *     }
 *     HelloTest.register();
 */
import { InvalidStateError, SquallError } from "../base/errors.js";
import { HTTPServer, type HTTPServerCallback, type HTTPServerOptions } from "../http/server/http-server.js";
import type { SSLOptions } from "../net/tls/ssl-options.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import { AsyncTestCase } from "./async-test.js";
import { type ExchangeOptions, type ExchangeResponse, exchange } from "./exchange.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.js";

/** Options of {@link AsyncHTTPTestCase.fetch}. */
export interface TestFetchOptions extends Omit<ExchangeOptions, "url" | "keepAlive" | "ioLoop"> {
  /** Reject with a {@link TestResponseError} for a status of 400 or more; default false. */
  readonly raiseError?: boolean | undefined;
}

/** A response, with its body as text. */
export class TestResponse {
  /** The status. */
  readonly code: number;
  /** The reason phrase as sent. */
  readonly reason: string;
  /** The header fields. */
  readonly headers: HTTPHeaders;
  /** The whole body, unpacked. */
  readonly body: Buffer;

  constructor({ code, reason, headers, body }: ExchangeResponse) {
    this.code = code;
    this.reason = reason;
    this.headers = headers;
    this.body = body;
  }

  /** The body as UTF-8. */
  get text(): string {
    return this.body.toString("utf8");
  }

  /** The body as JSON; throws a `SyntaxError` if it is invalid. */
  json(): unknown {
    return JSON.parse(this.text);
  }
}

/** The server answered with 400 or more, and the test asked for an error (`ERR_SQUALL_TEST_RESPONSE`). */
export class TestResponseError extends SquallError {
  static {
    this.prototype.name = "TestResponseError";
  }

  /** What the server answered. */
  readonly response: TestResponse;

  constructor(url: string, response: TestResponse) {
    super("ERR_SQUALL_TEST_RESPONSE", `${url} answered ${response.code} ${response.reason}`);
    this.response = response;
  }
}

/** What {@link AsyncHTTPTestCase.getHttpClient} gives: it asks for a URL. Redirects are not followed. */
export interface TestClient {
  /** Sends a request to an absolute URL; an answer of 400 or more is an answer, not an error. */
  fetch(url: string, options: TestFetchOptions): Promise<TestResponse>;
  /** Called when the test is over. */
  close?(): unknown;
}

/** One connection for each request; it gives up when the test is over. */
class OneRequestClient implements TestClient {
  readonly #test: AsyncTestCase;
  readonly #sslOptions: SSLOptions | undefined;

  constructor(test: AsyncTestCase, sslOptions?: SSLOptions) {
    this.#test = test;
    this.#sslOptions = sslOptions;
  }

  async fetch(url: string, { raiseError, ...request }: TestFetchOptions): Promise<TestResponse> {
    const { ioLoop, signal } = this.#test;
    const response = new TestResponse(
      await exchange({ signal, sslOptions: this.#sslOptions, ...request, url, ioLoop }),
    );
    if (raiseError === true && response.code >= 400) throw new TestResponseError(url, response);
    return response;
  }
}

/** A test with a server for {@link AsyncHTTPTestCase.getApp}. Tornado `testing.AsyncHTTPTestCase`. */
export abstract class AsyncHTTPTestCase extends AsyncTestCase {
  #server: HTTPServer | undefined = undefined;
  #client: TestClient | undefined = undefined;

  /** The application under test, or a function of the request. */
  abstract getApp(): HTTPServerCallback;

  /** The server of this test; throws an `InvalidStateError` before {@link AsyncHTTPTestCase.setUp}. */
  get httpServer(): HTTPServer {
    if (this.#server === undefined) throw new InvalidStateError("the test has no server before setUp()");
    return this.#server;
  }

  /** The client of this test; throws an `InvalidStateError` before {@link AsyncHTTPTestCase.setUp}. */
  get httpClient(): TestClient {
    if (this.#client === undefined) throw new InvalidStateError("the test has no client before setUp()");
    return this.#client;
  }

  /** Options for the server; default none. */
  getHttpserverOptions(): HTTPServerOptions {
    return {};
  }

  /** Makes the server. */
  getHttpServer(): HTTPServer {
    return new HTTPServer(this.getApp(), this.getHttpserverOptions());
  }

  /** Makes the client. */
  getHttpClient(): TestClient {
    return new OneRequestClient(this);
  }

  /** The port of the server. */
  getHttpPort(): number {
    return this.httpServer.port as number;
  }

  /** `http`. */
  getProtocol(): string {
    return "http";
  }

  /** The URL of a path on the server. */
  getUrl(path: string): string {
    return `${this.getProtocol()}://127.0.0.1:${this.getHttpPort()}${path}`;
  }

  override async setUp(): Promise<void> {
    await super.setUp();
    this.#client = this.getHttpClient();
    this.#server = this.getHttpServer();
    await this.#server.listen(0, "127.0.0.1");
  }

  override async tearDown(): Promise<void> {
    try {
      this.#client?.close?.();
      await this.#server?.stop();
      await this.#server?.closeAllConnections({ timeout: 0 });
    } finally {
      await super.tearDown();
    }
  }

  /**
   * Asks the server for a path, or another one for a whole URL. A status of 400 or more is a response like
   * any other, unless `raiseError` says otherwise.
   */
  fetch(path: string, options: TestFetchOptions = {}): Promise<TestResponse> {
    return this.httpClient.fetch(/^https?:/i.test(path) ? path : this.getUrl(path), options);
  }
}

/**
 * The same over TLS: the server has a self-signed certificate that comes with squall, and the client does not
 * verify it. Tornado `testing.AsyncHTTPSTestCase`.
 */
export abstract class AsyncHTTPSTestCase extends AsyncHTTPTestCase {
  /** A self-signed certificate for localhost. */
  static defaultSslOptions(): SSLOptions {
    return { cert: TEST_CERTIFICATE, key: TEST_KEY };
  }

  /** TLS options of the server; override them for a certificate of your own. */
  getSslOptions(): SSLOptions {
    return AsyncHTTPSTestCase.defaultSslOptions();
  }

  /** Options for the server; add to what this gives. */
  override getHttpserverOptions(): HTTPServerOptions {
    return { sslOptions: this.getSslOptions() };
  }

  /** A client that does not verify the server. */
  override getHttpClient(): TestClient {
    return new OneRequestClient(this, { certReqs: "none" });
  }

  /** `https`. */
  override getProtocol(): string {
    return "https";
  }
}
