/**
 * `OpenIdMixin`: signing in with OpenID 2.0 and its Attribute Exchange, the protocol before OpenID Connect.
 *
 * The assertion is checked as OpenID Authentication 2.0 §11 says: it is for this address (`return_to`,
 * which holds the state of the sign-in), from this provider (`op_endpoint`), used once, and the provider
 * itself confirms its signature (§11.4.2). Only what the signature covers is believed (§10.1).
 */
import { InvalidArgumentError } from "../base/errors.js";
import { urlConcat } from "../protocol/fields/url.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import { answerArgument, callbackUrl, requiredArgument } from "./answer.js";
import { AuthError } from "./errors.js";
import { type AuthWaitOptions, askProvider, checkEndpoint, checkOk } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";
import { ProviderMixin } from "./provider-mixin.js";
import { beginSignIn, endSignIn } from "./sign-in-cookie.js";

/** An attribute that can be asked for. `name` stands for first, last and full name. */
export type OpenIdAttribute = "name" | "email" | "language" | "username";

/** Options of {@link OpenIdMixin.authenticateRedirect}. */
export interface AuthenticateRedirectOptions {
  /**
   * Where the provider sends the browser back to: an absolute URL, or a path below the setting
   * `publicOrigin`. Default the path of this request.
   */
  readonly callbackUri?: string | undefined;
  /** What is asked about the user; default name, email, language and username. */
  readonly axAttrs?: readonly OpenIdAttribute[] | undefined;
}

/** A user, with what the provider says and signs. */
export interface OpenIdUser {
  /** The identifier of the user with this provider. */
  readonly claimed_id?: string | undefined;
  /** The full name; made of the others if there is none. */
  readonly name?: string | undefined;
  /** The first name. */
  readonly first_name?: string | undefined;
  /** The last name. */
  readonly last_name?: string | undefined;
  /** The e-mail address. */
  readonly email?: string | undefined;
  /** The language, in lower case. */
  readonly locale?: string | undefined;
  /** What the user is called there. */
  readonly username?: string | undefined;
}

/** What {@link OpenIdMixin} adds to a handler. */
export interface OpenIdMixin extends ProviderMixin {
  /** The provider's endpoint. A class for a provider sets it. */
  readonly OPENID_ENDPOINT: string;
  /** Accept an endpoint without TLS; default false. */
  readonly OPENID_ALLOW_HTTP: boolean;
  /**
   * Sends the user to the provider, and remembers the sign-in in a cookie that lasts ten minutes. Ends the
   * response. Needs the `cookieSecret` setting. Rejects with an `InvalidArgumentError` for an unknown
   * attribute or an endpoint without TLS.
   */
  authenticateRedirect(options?: AuthenticateRedirectOptions): Promise<void>;
  /** True if the request is the answer of a provider: then call {@link OpenIdMixin.getAuthenticatedUser}. */
  isAuthResponse(): boolean;
  /**
   * Checks the assertion in the request, asks the provider whether it is its own, and resolves with the
   * user.
   *
   * Rejects with an {@link AuthError}: `ERR_SQUALL_AUTH_STATE` if this browser did not begin the sign-in,
   * or it expired or is over; `ERR_SQUALL_AUTH_DENIED` if the user said no; `ERR_SQUALL_AUTH_ASSERTION` if
   * the assertion is not valid.
   */
  getAuthenticatedUser(options?: AuthWaitOptions): Promise<OpenIdUser>;
}

const NAMESPACE = "http://specs.openid.net/auth/2.0";
const SELECT = "http://specs.openid.net/auth/2.0/identifier_select";
const AX = "http://openid.net/srv/ax/1.0";

/** The types of Attribute Exchange by the alias that we ask under. */
const TYPES = {
  email: "http://axschema.org/contact/email",
  firstname: "http://axschema.org/namePerson/first",
  fullname: "http://axschema.org/namePerson",
  language: "http://axschema.org/pref/language",
  lastname: "http://axschema.org/namePerson/last",
  username: "http://axschema.org/namePerson/friendly",
} as const;

const ALIASES: Readonly<Record<OpenIdAttribute, readonly (keyof typeof TYPES)[]>> = {
  name: ["firstname", "fullname", "lastname"],
  email: ["email"],
  language: ["language"],
  username: ["username"],
};

/** What the signature of an assertion about a user must cover (OpenID Authentication 2.0 §10.1). */
const MUST_BE_SIGNED = [
  "op_endpoint",
  "return_to",
  "response_nonce",
  "assoc_handle",
  "claimed_id",
  "identity",
];

/**
 * Handlers that sign users in with OpenID 2.0. A class for a provider sets the endpoint.
 *
 *     class Login extends OpenIdMixin(RequestHandler) {
 *       override readonly OPENID_ENDPOINT = "https://id.example.com/openid";
 *
 *       override async get() {
 *         if (!this.isAuthResponse()) return this.authenticateRedirect({ callbackUri: "/login" });
 *         const user = await this.getAuthenticatedUser();
 *       }
 *     }
 *
 * Tornado `auth.OpenIdMixin`, deprecated there as most providers have left OpenID 2.0.
 */
export function OpenIdMixin<Base extends HandlerConstructor>(base: Base): Mixed<Base, OpenIdMixin> {
  class Mixin extends ProviderMixin(base as HandlerConstructor) implements OpenIdMixin {
    readonly OPENID_ENDPOINT: string = "";
    readonly OPENID_ALLOW_HTTP: boolean = false;

    async authenticateRedirect(options: AuthenticateRedirectOptions = {}): Promise<void> {
      const endpoint = this.OPENID_ENDPOINT;
      checkEndpoint("the OpenID endpoint", endpoint, this.OPENID_ALLOW_HTTP);
      const attributes = attributeArguments(options.axAttrs ?? ["name", "email", "language", "username"]);
      const callback = callbackUrl(this, "callbackUri", options.callbackUri);
      const { state } = beginSignIn(this, endpoint, callback);
      this.redirect(
        urlConcat(endpoint, {
          "openid.ns": NAMESPACE,
          "openid.mode": "checkid_setup",
          "openid.claimed_id": SELECT,
          "openid.identity": SELECT,
          "openid.return_to": urlConcat(callback, { state }),
          "openid.realm": new URL("/", callback).href,
          ...attributes,
        }),
      );
    }

    isAuthResponse(): boolean {
      return answerArgument(this, "openid.mode") !== undefined;
    }

    async getAuthenticatedUser(options: AuthWaitOptions = {}): Promise<OpenIdUser> {
      const { redirectUri, state } = endSignIn(this, this.OPENID_ENDPOINT);
      const mode = requiredArgument(this, "openid.mode");
      if (mode === "cancel" || mode === "error") {
        throw new AuthError("ERR_SQUALL_AUTH_DENIED", "the user or the provider refused", {
          providerError: mode,
        });
      }
      const signed = checkAssertion(this, this.OPENID_ENDPOINT, urlConcat(redirectUri, { state }));
      await confirm(this, options);
      return userOf(this, signed);
    }
  }
  return Mixin as unknown as Mixed<Base, OpenIdMixin>;
}

/** OpenID Attribute Exchange 1.0 §5.1. */
function attributeArguments(attributes: readonly OpenIdAttribute[]): Record<string, string> {
  for (const attribute of attributes) {
    if (!Object.hasOwn(ALIASES, attribute)) {
      throw new InvalidArgumentError(
        `axAttrs may hold ${Object.keys(ALIASES).join(", ")}, got ${JSON.stringify(attribute)}`,
      );
    }
  }
  const aliases = [...new Set(attributes.flatMap((attribute) => ALIASES[attribute]))];
  if (aliases.length === 0) return {};
  const types = aliases.map((alias): [string, string] => [`openid.ax.type.${alias}`, TYPES[alias]]);
  return {
    "openid.ns.ax": AX,
    "openid.ax.mode": "fetch_request",
    "openid.ax.required": aliases.join(","),
    ...Object.fromEntries(types),
  };
}

function invalid(message: string): AuthError {
  return new AuthError("ERR_SQUALL_AUTH_ASSERTION", message);
}

/** Checks all but the signature; returns the names that the signature covers. */
function checkAssertion(handler: RequestHandler, endpoint: string, returnTo: string): ReadonlySet<string> {
  if (requiredArgument(handler, "openid.mode") !== "id_res") throw invalid("the answer is no assertion");
  if (requiredArgument(handler, "openid.ns") !== NAMESPACE) {
    throw invalid("the answer is not one of OpenID 2.0");
  }
  const signed = new Set(requiredArgument(handler, "openid.signed").split(","));
  for (const name of MUST_BE_SIGNED) {
    if (!signed.has(name) || answerArgument(handler, `openid.${name}`) === undefined) {
      throw invalid(`the signature does not cover ${name}`);
    }
  }
  if (answerArgument(handler, "openid.return_to") !== returnTo) {
    throw invalid("the assertion is for another address");
  }
  if (answerArgument(handler, "openid.op_endpoint") !== endpoint) {
    throw invalid("the assertion comes from another provider");
  }
  return signed;
}

/** Asks the provider whether it made the assertion (OpenID Authentication 2.0 §11.4.2). */
async function confirm(handler: RequestHandler & OpenIdMixin, options: AuthWaitOptions): Promise<void> {
  const form: Record<string, string> = {};
  for (const name of Object.keys(handler.request.queryArguments)) {
    if (name.startsWith("openid.")) form[name] = requiredArgument(handler, name);
  }
  form["openid.mode"] = "check_authentication";
  const name = "the OpenID endpoint";
  const response = await askProvider(handler, {
    ...options,
    name,
    url: handler.OPENID_ENDPOINT,
    allowHttp: handler.OPENID_ALLOW_HTTP,
    form,
  });
  checkOk(name, response);
  // A line of its own: the words could also stand in another value.
  if (!response.body.toString("utf8").split("\n").includes("is_valid:true")) {
    throw invalid("the provider does not confirm the assertion");
  }
}

/** What the provider says of the user, as far as it is signed. */
function userOf(handler: RequestHandler, signed: ReadonlySet<string>): OpenIdUser {
  const names = Object.keys(handler.request.queryArguments);
  const signedValue = (name: string): string | undefined =>
    name.startsWith("openid.") && signed.has(name.slice("openid.".length))
      ? answerArgument(handler, name) || undefined
      : undefined;
  const space = names.find((name) => name.startsWith("openid.ns.") && signedValue(name) === AX);
  const prefix = `openid.${space?.slice("openid.ns.".length)}`;
  const attribute = (alias: keyof typeof TYPES): string | undefined => {
    const type = names.find(
      (name) => name.startsWith(`${prefix}.type.`) && signedValue(name) === TYPES[alias],
    );
    return type === undefined ? undefined : signedValue(type.replace(`${prefix}.type.`, `${prefix}.value.`));
  };
  const user: { -readonly [Name in keyof OpenIdUser]: OpenIdUser[Name] } = {};
  const put = (name: keyof OpenIdUser, value: string | undefined): void => {
    if (value !== undefined) user[name] = value;
  };
  const [first, last, email] = [attribute("firstname"), attribute("lastname"), attribute("email")];
  const parts = [first, last].filter((part) => part !== undefined);
  put("first_name", first);
  put("last_name", last);
  put("name", attribute("fullname") ?? (parts.length > 0 ? parts.join(" ") : email?.split("@")[0]));
  put("email", email);
  put("locale", attribute("language")?.toLowerCase());
  put("username", attribute("username"));
  put("claimed_id", signedValue("openid.claimed_id"));
  return user;
}
