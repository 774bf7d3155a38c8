/** A provider of OAuth 1.0 and 1.0a that computes each signature by itself (RFC 5849 §3.4), and uses each nonce once. */
import { createHmac, randomBytes } from "node:crypto";
import type { HTTPServerRequest } from "squall/httputil";
import { send } from "./oidc-provider.js";
import { type FakeProvider, PROVIDER } from "./world.js";

export const KEY = "consumer key";
export const CONSUMER_SECRET = "consumer & secret";

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

interface RequestToken {
  readonly secret: string;
  readonly callback: string | undefined;
  readonly verifier: string;
  used: boolean;
}

export class OAuth1Provider implements FakeProvider {
  readonly secrets = new Set<string>([CONSUMER_SECRET]);
  readonly #requestTokens = new Map<string, RequestToken>();
  readonly #accessTokens = new Map<string, string>();
  readonly #nonces = new Set<string>();
  /** Left out by a provider that does not know 1.0a. */
  confirms = true;
  version: "1.0" | "1.0a" = "1.0a";
  /** What the user is sent back with, besides token and verifier. */
  answer: (query: URLSearchParams) => void = () => {};
  user: unknown = { screen_name: "ann", id: 1 };
  /** Parameters of the last request that was accepted. */
  last: Readonly<Record<string, string>> = {};
  asked = 0;

  readonly serve = (request: HTTPServerRequest): void => {
    this.#serve(request);
  };

  #serve(request: HTTPServerRequest): unknown {
    const { path } = request;
    if (path === "/oauth/authorize" || path === "/oauth/authenticate") return this.#authorize(request);
    this.asked++;
    const form = request.method === "POST" ? request.body.toString() : "";
    const fields = /^OAuth (.*)$/.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";
    const oauth = [...fields.matchAll(/(\w+)="([^"]*)"/g)].map(
      ([, name = "", value = ""]): [string, string] => [name, decodeURIComponent(value)],
    );
    const all = [...oauth, ...new URLSearchParams(request.query), ...new URLSearchParams(form)];
    const given = Object.fromEntries(all);
    const token = given.oauth_token ?? "";
    const secret = this.#requestTokens.get(token)?.secret ?? this.#accessTokens.get(token) ?? "";
    if (given.oauth_signature !== this.#signature(request, all, secret))
      return send(request, { status: 401 });
    const age = Math.abs(request.ioLoop.wallTime() / 1000 - Number(given.oauth_timestamp));
    if (age > 5 || this.#nonces.has(given.oauth_nonce!)) return send(request, { status: 401 });
    this.#nonces.add(given.oauth_nonce!);
    this.last = given;
    if (path === "/oauth/request_token") return this.#giveRequestToken(request, given);
    if (path === "/oauth/access_token") return this.#giveAccessToken(request, given);
    if (!this.#accessTokens.has(token)) return send(request, { status: 401 });
    return send(request, { json: path.endsWith("verify_credentials.json") ? this.user : { path, ...given } });
  }

  #signature(
    request: HTTPServerRequest,
    all: readonly (readonly [string, string])[],
    secret: string,
  ): string {
    const pairs = all
      .filter(([name]) => name !== "oauth_signature")
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort();
    const base = [request.method, `${PROVIDER}${request.path}`, pairs.join("&")].map(encode).join("&");
    const secrets = [CONSUMER_SECRET, secret];
    const key = (this.version === "1.0" ? secrets : secrets.map(encode)).join("&");
    return createHmac("sha1", key).update(base).digest("base64");
  }

  #giveRequestToken(request: HTTPServerRequest, given: Readonly<Record<string, string>>): void {
    const token = randomBytes(9).toString("hex");
    const secret = `${randomBytes(9).toString("hex")}&=`;
    const verifier = randomBytes(9).toString("hex");
    for (const one of [token, secret, verifier]) this.secrets.add(one);
    this.#requestTokens.set(token, { secret, callback: given.oauth_callback, verifier, used: false });
    const answer = new URLSearchParams({ oauth_token: token, oauth_token_secret: secret });
    if (this.confirms) answer.set("oauth_callback_confirmed", "true");
    send(request, { text: answer.toString() });
  }

  #authorize(request: HTTPServerRequest): void {
    const query = new URLSearchParams(request.query);
    const key = query.get("oauth_token") ?? "";
    const token = this.#requestTokens.get(key);
    const location = new URL(token?.callback ?? query.get("oauth_callback") ?? "about:blank");
    location.searchParams.set("oauth_token", key);
    if (this.version === "1.0a") location.searchParams.set("oauth_verifier", token?.verifier ?? "");
    this.answer(location.searchParams);
    send(request, { status: 302, headers: { Location: location.href } });
  }

  #giveAccessToken(request: HTTPServerRequest, given: Readonly<Record<string, string>>): unknown {
    const token = this.#requestTokens.get(given.oauth_token ?? "");
    const fits = this.version === "1.0" || given.oauth_verifier === token?.verifier;
    if (token === undefined || token.used || !fits) return send(request, { status: 401 });
    token.used = true;
    const key = randomBytes(9).toString("hex");
    const secret = randomBytes(9).toString("hex");
    this.#accessTokens.set(key, secret);
    for (const one of [key, secret]) this.secrets.add(one);
    const answer = { oauth_token: key, oauth_token_secret: secret, screen_name: "ann" };
    return send(request, { text: new URLSearchParams(answer).toString() });
  }
}
