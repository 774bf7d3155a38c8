/**
 * A provider of OAuth 2 and OpenID Connect. It shares no code with squall's side: hashes, signatures and checks are made here by
 * node:crypto. Tests change what it says by its fields.
 */
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { HTTPServerRequest } from "squall/httputil";
import { HTTPHeaders } from "squall/httputil";
import type { FakeProvider } from "./world.js";
import { PROVIDER } from "./world.js";

export const CLIENT_ID = "site & friends";
export const CLIENT_SECRET = "the secret: of the site!";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** A key of the provider: its public half in the key set, and the private one that signs. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: "RS256" | "ES256";
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const RSA_KEY: SigningKey = { kid: "rsa-1", alg: "RS256", ...rsa };
export const EC_KEY: SigningKey = { kid: "ec-1", alg: "ES256", ...ec };
/** A key with the name of {@link RSA_KEY} that the provider never published. */
export const FORGED_KEY: SigningKey = { kid: "rsa-1", alg: "RS256", ...otherRsa };
export const NEW_KEY: SigningKey = { kid: "rsa-2", alg: "RS256", ...otherRsa };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs claims. */
export function makeToken(key: SigningKey, claims: object, header: object = {}): string {
  const text = `${encode({ alg: key.alg, kid: key.kid, ...header })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** A token whose HMAC has a public key as its secret. */
export function makeHmacToken(key: SigningKey, claims: object): string {
  const text = `${encode({ alg: "HS256", kid: key.kid })}.${encode(claims)}`;
  const secret = key.publicKey.export({ type: "spki", format: "pem" });
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** A token without a signature. */
export const makeBareToken = (claims: object): string => `${encode({ alg: "none" })}.${encode(claims)}.`;

export type Claims = Record<string, unknown>;

interface Grant {
  readonly query: URLSearchParams;
  used: boolean;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly text?: string;
}

export class Provider implements FakeProvider {
  readonly secrets = new Set<string>([encodeURIComponent(CLIENT_SECRET), CLIENT_SECRET]);
  /** Requests by path. */
  readonly asked: Record<string, number> = Object.create(null);
  /** Authorization requests, the last one last. */
  readonly authorizations: URLSearchParams[] = [];
  /** Token requests: fields of the form, and the Authorization field. */
  readonly tokenRequests: { readonly form: URLSearchParams; readonly authorization: string | undefined }[] =
    [];
  readonly #grants = new Map<string, Grant>();
  readonly #tokens = new Set<string>();

  keys: SigningKey[] = [RSA_KEY, EC_KEY];
  signingKey: SigningKey = RSA_KEY;
  /** Replaces parts of the discovery document. */
  metadata: Record<string, unknown> = {};
  /** Changes the claims of an ID token. */
  claims: (claims: Claims) => Claims = (claims) => claims;
  /** Makes the ID token of the claims. */
  token: (claims: Claims) => string | undefined = (claims) => makeToken(this.signingKey, claims);
  /** Changes the answer that the browser brings back. */
  answer: Record<string, string> = {};
  /** Replaces the answers of a path. */
  readonly replies = new Map<string, (request: HTTPServerRequest) => Answer | undefined>();
  now: () => number = () => 0;
  readonly #issuer: string;

  /** `issuer`: its name, and where it is reached. */
  constructor(issuer: string = PROVIDER) {
    this.#issuer = issuer;
  }

  readonly serve = (request: HTTPServerRequest): void => {
    this.now = () => Math.floor(request.ioLoop.wallTime() / 1000);
    const { path } = request;
    this.asked[path] = (this.asked[path] ?? 0) + 1;
    const reply = this.replies.get(path);
    const answer = reply === undefined ? this.#answer(path, request) : reply(request);
    if (answer !== undefined) send(request, answer);
  };

  #answer(path: string, request: HTTPServerRequest): Answer {
    switch (path) {
      case "/.well-known/openid-configuration":
        return {
          json: {
            issuer: this.#issuer,
            authorization_endpoint: `${this.#issuer}/authorize`,
            token_endpoint: `${this.#issuer}/token`,
            jwks_uri: `${this.#issuer}/jwks`,
            userinfo_endpoint: `${this.#issuer}/userinfo`,
            ...this.metadata,
          },
        };
      case "/jwks":
        return {
          json: {
            keys: this.keys.map(({ kid, alg, publicKey }) => ({
              ...publicKey.export({ format: "jwk" }),
              kid,
              alg,
              use: "sig",
            })),
          },
        };
      case "/authorize":
        return this.#authorize(new URLSearchParams(request.query));
      case "/token":
        return this.#exchange(request);
      case "/userinfo":
      case "/me":
        return this.#user(request);
      default:
        return { status: 404, text: "no such page" };
    }
  }

  #authorize(query: URLSearchParams): Answer {
    this.authorizations.push(query);
    const code = randomBytes(12).toString("hex");
    this.#grants.set(code, { query, used: false });
    const state = query.get("state") ?? "";
    for (const secret of [code, state]) this.secrets.add(secret);
    const location = new URL(query.get("redirect_uri") ?? "");
    for (const [name, value] of Object.entries({ code, state, ...this.answer }))
      location.searchParams.set(name, value);
    return { status: 302, headers: { Location: location.href } };
  }

  #exchange(request: HTTPServerRequest): Answer {
    const form = new URLSearchParams(request.body.toString());
    const authorization = request.headers.get("Authorization");
    this.tokenRequests.push({ form, authorization });
    if (request.method !== "POST") return { status: 405, json: { error: "invalid_request" } };
    if (!isClient(form, authorization)) return { status: 401, json: { error: "invalid_client" } };
    const grant = this.#grants.get(form.get("code") ?? "");
    const verifier = form.get("code_verifier") ?? "";
    this.secrets.add(verifier);
    const isValid =
      grant !== undefined &&
      !grant.used &&
      form.get("grant_type") === "authorization_code" &&
      form.get("redirect_uri") === grant.query.get("redirect_uri") &&
      grant.query.get("code_challenge_method") === "S256" &&
      createHash("sha256").update(verifier).digest("base64url") === grant.query.get("code_challenge");
    if (grant !== undefined) grant.used = true;
    if (!isValid) return { status: 400, json: { error: "invalid_grant" } };
    const accessToken = randomBytes(12).toString("hex");
    this.#tokens.add(accessToken);
    const claims = this.claims({
      iss: this.#issuer,
      sub: "user-1",
      aud: CLIENT_ID,
      exp: this.now() + 300,
      iat: this.now(),
      nonce: grant?.query.get("nonce") ?? undefined,
      at_hash: createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url"),
      email: "ann@example.com",
      email_verified: true,
    });
    const idToken = this.token(claims);
    for (const secret of [accessToken, idToken, claims.nonce]) {
      if (typeof secret === "string") this.secrets.add(secret);
    }
    return {
      json: { access_token: accessToken, token_type: "bearer", expires_in: 3600, id_token: idToken },
    };
  }

  #user(request: HTTPServerRequest): Answer {
    const token = /^Bearer (.*)$/.exec(request.headers.get("Authorization") ?? "")?.[1];
    if (token === undefined || !this.#tokens.has(token))
      return { status: 401, json: { error: "invalid_token" } };
    const proof = new URLSearchParams(request.query).get("appsecret_proof");
    if (proof !== null && proof !== createHmac("sha256", CLIENT_SECRET).update(token).digest("hex")) {
      return { status: 400, json: { error: { type: "GraphMethodException" } } };
    }
    return {
      json: { sub: "user-1", id: "1", name: "Ann", fields: new URLSearchParams(request.query).get("fields") },
    };
  }
}

/** RFC 6749 §2.3.1, read independently. */
function isClient(form: URLSearchParams, authorization: string | undefined): boolean {
  const basic = /^Basic (.*)$/.exec(authorization ?? "")?.[1];
  if (basic !== undefined) {
    const [id = "", secret = ""] = Buffer.from(basic, "base64").toString().split(":");
    const decoded = [id, secret].map((text) => decodeURIComponent(text.replaceAll("+", " ")));
    return decoded[0] === CLIENT_ID && decoded[1] === CLIENT_SECRET && !form.has("client_secret");
  }
  return form.get("client_id") === CLIENT_ID && form.get("client_secret") === CLIENT_SECRET;
}

/** Sends an answer. */
export function send(request: HTTPServerRequest, { status = 200, headers = {}, json, text }: Answer): void {
  const body = Buffer.from(text ?? (json === undefined ? "" : JSON.stringify(json)));
  const fields = new HTTPHeaders({ ...headers, "Content-Length": String(body.length) });
  request.connection!.writeHeaders({ version: "HTTP/1.1", code: status, reason: "" }, fields, body);
  request.connection!.finish();
}
