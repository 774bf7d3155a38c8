/** The vectors of `auth`: the helpers of OAuth 1.0, which are private in Tornado and rooms here. */
import {
  type OAuthParameters,
  type OAuthToken,
  oauth10aSignature,
  oauthEscape,
  oauthSignature,
  parseTokenResponse,
} from "#room/auth/oauth1-signature";
import type { Family, VectorFunction } from "../types.js";

type SignatureArguments = readonly [OAuthToken, string, string, OAuthParameters, OAuthToken | null];

const functions: Record<string, VectorFunction> = {
  "auth._oauth_escape": ([text]: readonly string[]) => oauthEscape(text!),
  "auth._oauth_signature": (args: SignatureArguments) => Buffer.from(oauthSignature(...args)),
  "auth._oauth10a_signature": (args: SignatureArguments) => Buffer.from(oauth10aSignature(...args)),
  "auth._oauth_parse_response": ([body]: readonly Uint8Array[]) => ({ ...parseTokenResponse(body!) }),
} as Record<string, VectorFunction>;

export const family: Family = { functions };
