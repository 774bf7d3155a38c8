/** Requests, and what a server tells of the other end; their vectors are in the family `httputil`. */

import { HTTPRequestContext } from "squall/httpserver";
import { HTTPHeaders, HTTPServerRequest } from "squall/httputil";
import { isValidIp } from "squall/netutil";
import { AddressSet } from "#room/net/address-set";
import type { VectorFunction } from "../types.js";
import { VectorHeaders } from "../values.js";
import { shownFiles } from "./httputil-form.js";

type Lines = [string, string][];

interface RequestSpec {
  readonly method?: string;
  readonly uri?: string;
  readonly version?: string;
  readonly headers?: Lines;
  readonly body?: Buffer;
  readonly parse_body?: boolean;
}

export const functions: Record<string, VectorFunction> = {
  "httputil.HTTPServerRequest"([spec]: readonly [RequestSpec]) {
    const request = new HTTPServerRequest({
      method: spec.method ?? "GET",
      uri: spec.uri ?? "/",
      version: spec.version ?? "HTTP/1.1",
      headers: new VectorHeaders(spec.headers ?? []).toHeaders(),
      body: spec.body,
    });
    if (spec.parse_body === true) request.parseBody();
    return {
      method: request.method,
      uri: request.uri,
      path: request.path,
      query: request.query,
      version: request.version,
      host: request.host,
      host_name: request.hostName,
      full_url: request.fullUrl(),
      protocol: request.protocol,
      // A request made by hand has no other end: None there, the empty text here.
      remote_ip: request.remoteIp === "" ? undefined : request.remoteIp,
      arguments: request.arguments,
      query_arguments: request.queryArguments,
      body_arguments: request.bodyArguments,
      files: shownFiles(request.files),
      cookies: request.cookies,
    };
  },

  "httputil.HTTPServerRequest.cookies"([fields]: readonly [string[]]) {
    const lines = fields.map((field): [string, string] => ["Cookie", field]);
    // As the receiver hands them over: these values came from a wire.
    const headers = HTTPHeaders.fromRaw([["Host", "example.com"], ...lines].flat());
    return new HTTPServerRequest({ method: "GET", uri: "/", version: "HTTP/1.1", headers }).cookies;
  },

  "httpserver.xheaders"([host, protocol, trusted, lines]: readonly [
    string,
    string | null,
    string[] | null,
    Lines,
  ]) {
    const context = new HTTPRequestContext({} as never, { host, port: 1, family: 4 } as never, {
      protocol: protocol ?? undefined,
      xheaders: true,
      trustedDownstream: new AddressSet(trusted ?? []),
    });
    const peer = context.forRequest({ fields: lines.flat() } as never);
    return { remote_ip: peer.remoteIp, protocol: peer.protocol, after: [context.remoteIp, context.protocol] };
  },

  "netutil.is_valid_ip": ([text]: readonly [string]) => isValidIp(text),
};
