/**
 * The authorization code of OAuth 2 (RFC 6749 §4.1) with PKCE (RFC 7636) and state, step by step: the
 * address that the user is sent to, the answer, and the request that turns the code into tokens.
 */
import { createHash } from "node:crypto";
import { InvalidArgumentError } from "../base/errors.js";
import { urlConcat } from "../protocol/fields/url.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import { answerArgument, requiredArgument } from "./answer.js";
import { AuthError } from "./errors.js";
import { type AskingHandler, type AuthWaitOptions, askProvider, checkEndpoint, jsonObject } from "./http.js";
import { endSignIn, equalSecrets, type SignIn } from "./sign-in-cookie.js";

/** What a provider gives for a code (RFC 6749 §5.1), under the names of the wire. */
export interface OAuth2Tokens {
  /** For requests in the user's name. */
  readonly access_token: string;
  /** `Bearer`, in any case. */
  readonly token_type?: string | undefined;
  /** Seconds until the access token expires. */
  readonly expires_in?: number | string | undefined;
  /** For further access tokens. */
  readonly refresh_token?: string | undefined;
  /** Who the user is, as OpenID Connect says it; unverified unless `OpenIdConnectMixin` returned it. */
  readonly id_token?: string | undefined;
  /** What the access token is good for. */
  readonly scope?: string | undefined;
  /** Whatever else the provider sent. */
  readonly [name: string]: unknown;
}

/** What the user is sent to the provider with. */
export interface AuthorizationRequest {
  readonly endpoint: string;
  readonly allowHttp: boolean;
  readonly clientId: string | undefined;
  readonly scope: readonly string[] | undefined;
  readonly responseType: string | undefined;
  readonly pkce: boolean;
  /** Send the nonce of the sign-in. */
  readonly nonce: boolean;
  readonly extraParams: Readonly<Record<string, string>> | undefined;
}

/** Parameters that carry the protection of a sign-in or are options of their own. */
const RESERVED = new Set([
  "client_id",
  "client_secret",
  "code_challenge",
  "code_challenge_method",
  "nonce",
  "redirect_uri",
  "response_mode",
  "response_type",
  "state",
]);

/** The URL that the user is sent to. */
export function authorizationUrl(request: AuthorizationRequest, signIn: SignIn): string {
  const { clientId, scope, responseType = "code", extraParams = {} } = request;
  for (const name of Object.keys(extraParams)) {
    if (RESERVED.has(name)) throw new InvalidArgumentError(`extraParams must not hold ${name}`);
  }
  checkEndpoint("the authorization endpoint", request.endpoint, request.allowHttp);
  const args: Record<string, string> = {
    redirect_uri: signIn.redirectUri,
    response_type: responseType,
    state: signIn.state,
  };
  if (clientId !== undefined) args.client_id = clientId;
  if (request.pkce) {
    args.code_challenge = createHash("sha256").update(signIn.verifier).digest("base64url");
    args.code_challenge_method = "S256";
  }
  if (request.nonce) args.nonce = signIn.nonce;
  if (scope !== undefined) args.scope = scope.join(" ");
  return urlConcat(request.endpoint, { ...extraParams, ...args });
}

/** Whether the request is the answer of a provider, good or bad. */
export function isAnswer(handler: RequestHandler): boolean {
  const outcome = answerArgument(handler, "code") ?? answerArgument(handler, "error");
  return outcome !== undefined && answerArgument(handler, "state") !== undefined;
}

/** What the answer has to fit to. */
export interface ExpectedAnswer {
  readonly provider: string;
  /** Default any address that the sign-in was begun with. */
  readonly redirectUri: string | undefined;
  /** Default the argument `code` of the request. */
  readonly code: string | undefined;
  /** The provider's issuer, if it is known. */
  readonly issuer?: string | undefined;
  /** The provider promises to name its issuer in every answer. */
  readonly namesIssuer?: boolean | undefined;
}

/** An answer that fits: the sign-in that it ends, and the code. */
export interface AcceptedAnswer {
  readonly signIn: SignIn;
  readonly code: string;
}

/**
 * Accepts the answer that the request carries, once.
 * @throws AuthError (`ERR_SQUALL_AUTH_RESPONSE`, `ERR_SQUALL_AUTH_STATE`) as {@link endSignIn}, and without
 *   a code.
 * @throws AuthError (`ERR_SQUALL_AUTH_DENIED`) if the provider says that there is none.
 */
export function acceptAnswer(handler: RequestHandler, expected: ExpectedAnswer): AcceptedAnswer {
  // The state comes first: what another site makes up ends no sign-in, and is not shown in the log.
  const signIn = endSignIn(handler, expected.provider, expected.redirectUri);
  checkAnswerIssuer(handler, expected);
  const error = answerArgument(handler, "error");
  if (error !== undefined) {
    throw new AuthError("ERR_SQUALL_AUTH_DENIED", `the provider refused the sign-in: ${error.slice(0, 80)}`, {
      providerError: error,
    });
  }
  return { signIn, code: expected.code ?? requiredArgument(handler, "code") };
}

/** An answer that names its issuer names the one that was asked (RFC 9207 §2.4). */
function checkAnswerIssuer(handler: RequestHandler, { issuer, namesIssuer }: ExpectedAnswer): void {
  if (issuer === undefined) return;
  const named = answerArgument(handler, "iss");
  if (named === undefined ? namesIssuer === true : !equalSecrets(named, issuer)) {
    throw new AuthError("ERR_SQUALL_AUTH_STATE", "the answer comes from another issuer");
  }
}

/** How a client proves who it is at the token endpoint (RFC 6749 §2.3.1). */
export type ClientAuthentication = "client_secret_basic" | "client_secret_post" | "none";

/** What turns a code into tokens. */
export interface TokenRequest extends AuthWaitOptions {
  readonly endpoint: string;
  readonly allowHttp: boolean;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly authentication: ClientAuthentication;
  readonly pkce: boolean;
}

const NAME = "the token endpoint";

/**
 * Turns the code of an answer into tokens.
 * @throws AuthError (`ERR_SQUALL_AUTH_DENIED`) if the provider refuses the code.
 * @throws AuthError (`ERR_SQUALL_AUTH_PROVIDER`) if it gives no response or none that makes sense.
 */
export async function requestTokens(
  handler: AskingHandler,
  { signIn, code }: AcceptedAnswer,
  request: TokenRequest,
): Promise<OAuth2Tokens> {
  const { endpoint: url, allowHttp, clientId, clientSecret, authentication } = request;
  const form: Record<string, string> = {
    grant_type: "authorization_code",
    code,
    redirect_uri: signIn.redirectUri,
  };
  if (request.pkce) form.code_verifier = signIn.verifier;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (authentication === "client_secret_basic" && clientSecret !== undefined) {
    headers.Authorization = basicCredentials(clientId, clientSecret);
  } else {
    form.client_id = clientId;
    if (authentication === "client_secret_post" && clientSecret !== undefined) {
      form.client_secret = clientSecret;
    }
  }
  const response = await askProvider(handler, { ...request, name: NAME, url, allowHttp, headers, form });
  const answer = jsonObject(NAME, response);
  if (response.code < 200 || response.code > 299 || answer.error !== undefined) {
    throw refusedCode(response.code, answer.error);
  }
  if (typeof answer.access_token !== "string" || answer.access_token === "") {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${NAME} sent no access token`);
  }
  if (answer.token_type !== undefined && !/^bearer$/i.test(String(answer.token_type))) {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${NAME} sent a token of an unknown type`);
  }
  return answer as unknown as OAuth2Tokens;
}

/** RFC 6749 §5.2. Facebook's `error` is an object with a type. */
function refusedCode(status: number, error: unknown): AuthError {
  const type = typeof error === "object" && error !== null ? (error as Record<string, unknown>).type : error;
  const providerError = typeof type === "string" ? type : undefined;
  const isRefusal = error !== undefined && status < 500;
  return new AuthError(
    isRefusal ? "ERR_SQUALL_AUTH_DENIED" : "ERR_SQUALL_AUTH_PROVIDER",
    `${NAME} answered with status ${status}${providerError === undefined ? "" : `: ${providerError.slice(0, 80)}`}`,
    { providerError },
  );
}

/** Both are form-encoded first (RFC 6749 §2.3.1). */
function basicCredentials(clientId: string, clientSecret: string): string {
  const encoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString("base64")}`;
}
