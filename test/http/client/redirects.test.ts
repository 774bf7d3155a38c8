/** Redirects: where they lead, what is sent there, and what never leaves its origin. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FetchOptions, HTTPRedirectError, type HTTPResponse } from "squall/httpclient";
import "../../support/guard.js";
import { answering, head, ok, type World, withClient } from "./world.js";

/** What two servers got, in order: the server's name and the request. */
interface Journey {
  readonly response: HTTPResponse;
  readonly requests: readonly (readonly [server: "ORIGIN" | "OTHER", request: string])[];
}

/** Fetches from ORIGIN; the responses are given in order, whichever server is asked. */
async function travel(
  responses: readonly string[],
  options: FetchOptions = {},
  path = "/",
): Promise<Journey> {
  const requests: ["ORIGIN" | "OTHER", string][] = [];
  let response: HTTPResponse | undefined;
  await withClient({}, async ({ client, listen }: World) => {
    const ports = new Map<string, number>();
    const name = (text: string): string =>
      text.replace(/ORIGIN|OTHER/g, (server) => `127.0.0.1:${ports.get(server)}`);
    const serve = (server: "ORIGIN" | "OTHER") =>
      listen(
        answering((request) => {
          requests.push([server, request]);
          return name(responses[requests.length - 1]!);
        }),
      );
    ports.set("ORIGIN", await serve("ORIGIN"));
    ports.set("OTHER", await serve("OTHER"));
    response = await client.fetch(
      name(`http://${path.startsWith("u") ? "u:p@ORIGIN/" : `ORIGIN${path}`}`),
      options,
    );
  });
  return { response: response!, requests };
}

const redirect = (code: number, location: string): string => head(`${code} R`, `Location: ${location}\r\n`);
const lines = (request: string | undefined): string[] => (request ?? "").split("\r\n");

describe("case 94: a redirect", () => {
  for (const [code, method, becomes] of [
    [301, "GET", "GET"],
    [302, "GET", "GET"],
    [303, "GET", "GET"],
    [307, "GET", "GET"],
    [308, "GET", "GET"],
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [301, "PUT", "PUT"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "DELETE", "DELETE"],
    [303, "DELETE", "GET"],
  ] as const) {
    test(`case 94: ${code} after ${method} is fetched by ${becomes}`, async () => {
      const body = method === "POST" || method === "PUT" ? "data" : undefined;
      const { response, requests } = await travel(
        [redirect(code, "/next"), ok(method === "HEAD" ? "" : "ok")],
        {
          method,
          body,
          headers: { "X-Keep": "1", ...(body === undefined ? {} : { "Content-Encoding": "identity" }) },
        },
      );
      assert.equal(response.code, 200);
      assert.match(response.effectiveUrl, /\/next$/);
      const second = lines(requests[1]?.[1]);
      assert.equal(second[0], `${becomes} /next HTTP/1.1`);
      assert.ok(second.includes("X-Keep: 1"));
      const keepsBody = body !== undefined && becomes === method;
      assert.equal(second.at(-1), keepsBody ? "data" : "");
      assert.equal(
        second.some((line) => line.startsWith("Content-")),
        keepsBody,
      );
    });
  }

  test("case 94: one to file:, mailto: or an invalid URL rejects, with the response", async () => {
    for (const location of ["file:///etc/passwd", "mailto:x", "http://[", "ftp://h/"]) {
      await assert.rejects(travel([redirect(302, location)]), (error) => {
        assert.ok(error instanceof HTTPRedirectError);
        assert.equal(error.code, "ERR_SQUALL_HTTP_REDIRECT");
        assert.equal(error.response?.code, 302);
        assert.equal(error.location, location);
        return true;
      });
    }
  });

  test("case 94: redirectPolicy may refuse where one leads", async () => {
    await assert.rejects(
      travel([redirect(302, "http://169.254.169.254/latest/meta-data")], {
        redirectPolicy: ({ to }) => {
          if (to.hostname.startsWith("169.254.")) throw new RangeError("link-local");
        },
      }),
      { message: "link-local" },
    );
  });
});

describe("case 93: what belongs to an origin", () => {
  const secret = {
    headers: { Authorization: "Bearer x", Cookie: "a=b", "X-Token": "t", "X-Keep": "1" },
    secretHeaders: ["x-token"],
  };

  test("case 93: is not sent to another port, also not when the redirect leads back", async () => {
    const { requests } = await travel(
      [redirect(302, "http://OTHER/"), redirect(302, "http://ORIGIN/back"), ok()],
      secret,
    );
    assert.deepEqual(
      requests.map(([server]) => server),
      ["ORIGIN", "OTHER", "ORIGIN"],
    );
    assert.match(requests[0]![1], /Authorization: Bearer x/);
    for (const [, request] of requests.slice(1)) {
      assert.doesNotMatch(request, /Authorization|Cookie|X-Token/i);
      assert.match(request, /X-Keep: 1/);
    }
  });

  test("case 93: is sent again within the origin", async () => {
    const { requests } = await travel([redirect(302, "http://ORIGIN/2"), ok()], secret);
    assert.match(requests[1]![1], /Authorization: Bearer x/);
    assert.match(requests[1]![1], /Cookie: a=b/);
    assert.match(requests[1]![1], /X-Token: t/i);
  });

  test("case 93: user and password stay within the origin, and those of a Location are not believed", async () => {
    const auth = { authUsername: "u", authPassword: "p" };
    assert.match((await travel([redirect(302, "/2"), ok()], auth)).requests[1]![1], /Authorization: Basic/);
    assert.match(
      (await travel([redirect(302, "/2"), ok()], {}, "u")).requests[1]![1],
      /Authorization: Basic/,
    );
    for (const [location, options] of [
      ["http://OTHER/", auth],
      ["http://x:y@OTHER/", {}],
      ["http://x:y@ORIGIN/", {}],
    ] as const) {
      const { requests, response } = await travel([redirect(302, location), ok()], options);
      assert.doesNotMatch(requests[1]![1], /Authorization/);
      assert.doesNotMatch(response.effectiveUrl, /@/);
    }
  });

  test("case 93: Host is that of the new target, also if the caller had given one", async () => {
    const { requests } = await travel([redirect(302, "/2"), ok()], { headers: { Host: "fixed.example" } });
    assert.match(requests[0]![1], /Host: fixed\.example/);
    assert.match(requests[1]![1], /Host: 127\.0\.0\.1/);
  });

  test("case 93: at most maxRedirects are followed; the response of the next one is the answer", async () => {
    const chain = Array.from({ length: 7 }, (_, index) => redirect(302, `/${index}`));
    const usual = await travel(chain, { raiseError: false });
    assert.equal(usual.response.code, 302);
    assert.equal(usual.requests.length, 6);
    const none = await travel(chain, { maxRedirects: 0, raiseError: false });
    assert.equal(none.requests.length, 1);
    const off = await travel(chain, { followRedirects: false, raiseError: false });
    assert.equal(off.requests.length, 1);
  });
});

test("a redirect without Location, and a 3xx that is none, are answers", async () => {
  for (const answer of [
    head("302 R"),
    head("304 N", "Location: /x\r\n"),
    head("300 M", "Location: /x\r\n"),
  ]) {
    const { requests } = await travel([answer], { raiseError: false });
    assert.equal(requests.length, 1);
  }
});

test("a fragment is kept, and a Location in UTF-8 is understood", async () => {
  const { response, requests } = await travel([redirect(302, "/caf\xc3\xa9"), ok()], {}, "/a#part");
  assert.match(response.effectiveUrl, /\/caf%C3%A9#part$/);
  assert.match(requests[1]![1], /^GET \/caf%C3%A9 /);
});

test("a body that cannot be sent twice makes a 307 an error, and a 303 is followed", async () => {
  const body = async function* () {
    yield "data";
  };
  await assert.rejects(travel([redirect(307, "/2")], { method: "POST", body: body() }), {
    code: "ERR_SQUALL_HTTP_REDIRECT",
  });
  const { requests } = await travel([redirect(303, "/2"), ok()], { method: "POST", body: body() });
  assert.equal(requests.length, 2);
  const again = await travel([redirect(307, "/2"), ok()], {
    method: "POST",
    bodyProducer: (write) => write("x"),
  });
  assert.match(again.requests[1]![1], /\r\n1\r\nx\r\n0\r\n\r\n$/);
});

test("headerCallback and streamingCallback are not called for responses that are followed", async () => {
  const seen: string[] = [];
  await travel([`HTTP/1.1 302 R\r\nLocation: /2\r\nContent-Length: 4\r\n\r\nlook`, ok("body")], {
    headerCallback: (line) => void seen.push(line.trim()),
    streamingCallback: (chunk) => void seen.push(chunk.toString()),
  });
  assert.deepEqual(seen, ["HTTP/1.1 200 OK", "Content-Length: 4", "", "body"]);
});
