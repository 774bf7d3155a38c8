/**
 * What a provider of OpenID Connect publishes about itself: its endpoints (OpenID Connect Discovery §4) and
 * its keys.
 *
 * Both are kept for an hour. Keys are fetched again when a token names one that is not known, since
 * providers change them, but at most once in a minute: anybody can make up names of keys. Requests that
 * need the same thing at the same time share one fetch, which goes on if one of them is given up.
 */
import { cancellable, type WaitOptions } from "../async/cancel.js";
import type { IOLoop } from "../async/ioloop.js";
import { AuthError } from "./errors.js";
import { type AuthHttpClient, checkEndpoint, checkOk, fetchFrom, jsonObject } from "./http.js";
import type { KeySet } from "./jose.js";

/** The endpoints of a provider, and what it can do. */
export interface OidcMetadata {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  /** `undefined` if the provider has none. */
  readonly userinfoEndpoint: string | undefined;
  /** The client may send its secret in the Authorization field. */
  readonly takesBasic: boolean;
  /** Every answer names the issuer (RFC 9207 §3). */
  readonly namesIssuer: boolean;
}

/** Milliseconds for which what was fetched is used. */
const MAX_AGE = 3_600_000;
/** Milliseconds between two fetches of keys that are not known. */
const RENEWAL_INTERVAL = 60_000;

/** One value that many need and one fetch brings. */
class Shared<T> {
  #value: T | undefined = undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #pending: Promise<T> | undefined = undefined;

  /** The value, unless it is older than `maxAge` milliseconds: then `fetch` brings another. */
  get(
    loop: IOLoop,
    what: string,
    maxAge: number,
    wait: WaitOptions | undefined,
    fetch: () => Promise<T>,
  ): Promise<T> {
    if (this.#value !== undefined && loop.time() - this.#fetchedAt < maxAge)
      return Promise.resolve(this.#value);
    this.#pending ??= this.#fetch(loop, fetch);
    const pending = this.#pending;
    return cancellable<T>(loop, what, wait, ({ resolve, reject }) => {
      pending.then(resolve, reject);
      return undefined;
    });
  }

  /** Milliseconds since the value was fetched; `Infinity` if it never was. */
  age(loop: IOLoop): number {
    return loop.time() - this.#fetchedAt;
  }

  async #fetch(loop: IOLoop, fetch: () => Promise<T>): Promise<T> {
    try {
      const value = await fetch();
      this.#value = value;
      this.#fetchedAt = loop.time();
      return value;
    } finally {
      this.#pending = undefined;
    }
  }
}

/** A provider, by its issuer. */
export class OidcProvider {
  readonly #issuer: string;
  readonly #allowHttp: boolean;
  readonly #metadata = new Shared<OidcMetadata>();
  readonly #keys = new Shared<KeySet>();

  constructor(issuer: string, allowHttp: boolean) {
    checkEndpoint("issuer", issuer, allowHttp);
    this.#issuer = issuer;
    this.#allowHttp = allowHttp;
  }

  /**
   * The provider's endpoints. Rejects with an {@link AuthError} (`ERR_SQUALL_AUTH_PROVIDER`) if it does not
   * say or contradicts itself.
   */
  metadata(loop: IOLoop, client: AuthHttpClient, wait?: WaitOptions): Promise<OidcMetadata> {
    return this.#metadata.get(loop, "discovery of the provider", MAX_AGE, wait, async () => {
      const url = `${this.#issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
      return this.#readMetadata(await this.#fetchObject(client, "the discovery document", url));
    });
  }

  /** The provider's keys. Rejects as {@link OidcProvider.metadata}. */
  async keys(loop: IOLoop, client: AuthHttpClient, wait?: WaitOptions): Promise<KeySet> {
    const { jwksUri } = await this.metadata(loop, client, wait);
    return this.#fetchKeys(loop, client, jwksUri, MAX_AGE, wait);
  }

  /** The provider's keys, fetched anew unless that was done in the last minute: then `undefined`. */
  async renewedKeys(loop: IOLoop, client: AuthHttpClient, wait?: WaitOptions): Promise<KeySet | undefined> {
    if (this.#keys.age(loop) < RENEWAL_INTERVAL) return undefined;
    const { jwksUri } = await this.metadata(loop, client, wait);
    return this.#fetchKeys(loop, client, jwksUri, RENEWAL_INTERVAL, wait);
  }

  #fetchKeys(
    loop: IOLoop,
    client: AuthHttpClient,
    url: string,
    maxAge: number,
    wait: WaitOptions | undefined,
  ): Promise<KeySet> {
    return this.#keys.get(loop, "the fetch of the provider's keys", maxAge, wait, async () => {
      const { keys } = await this.#fetchObject(client, "the key set", url);
      if (Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null))
        return { keys };
      throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "the key set of the provider holds no keys");
    });
  }

  async #fetchObject(client: AuthHttpClient, name: string, url: string): Promise<Record<string, unknown>> {
    const headers = { Accept: "application/json" };
    const response = await fetchFrom(client, { name, url, allowHttp: this.#allowHttp, headers });
    checkOk(name, response);
    return jsonObject(name, response);
  }

  #readMetadata(document: Record<string, unknown>): OidcMetadata {
    // Discovery §4.3: the issuer must be the one that was asked, or one provider could speak for another.
    if (document.issuer !== this.#issuer) {
      throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", "the discovery document is that of another issuer");
    }
    const endpoint = (name: string): string => {
      const url = document[name];
      try {
        return checkEndpoint(name, String(url), this.#allowHttp).href;
      } catch (cause) {
        throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `the discovery document has no valid ${name}`, {
          cause,
        });
      }
    };
    const methods = document.token_endpoint_auth_methods_supported;
    return {
      issuer: this.#issuer,
      authorizationEndpoint: endpoint("authorization_endpoint"),
      tokenEndpoint: endpoint("token_endpoint"),
      jwksUri: endpoint("jwks_uri"),
      userinfoEndpoint: document.userinfo_endpoint === undefined ? undefined : endpoint("userinfo_endpoint"),
      takesBasic: !Array.isArray(methods) || methods.includes("client_secret_basic"),
      namesIssuer: document.authorization_response_iss_parameter_supported === true,
    };
  }
}
