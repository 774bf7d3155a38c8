/** The thread of a blocking client: fetches what it is asked for, one after the other. */
import { workerData } from "node:worker_threads";
import { HTTPHeaders } from "../../../protocol/fields/headers.js";
import { AsyncHTTPClient } from "../async-client.js";
import { HTTPRequest } from "../request.js";
import type { HTTPResponse } from "../response.js";
import type { BlockingAnswer, BlockingQuestion, BlockingSetup } from "./protocol.js";

const { answers, port, implementation, options } = workerData as BlockingSetup;

let client: AsyncHTTPClient | undefined;

async function theClient(): Promise<AsyncHTTPClient> {
  if (client === undefined) {
    if (implementation !== undefined) await AsyncHTTPClient.configure(implementation);
    client = new AsyncHTTPClient({ ...options, forceInstance: true });
  }
  return client;
}

async function answer({ url, options: of, fields }: BlockingQuestion): Promise<BlockingAnswer> {
  try {
    const request = new HTTPRequest(url, of);
    if (fields !== undefined) request.headers = HTTPHeaders.fromRaw(fields);
    const response = await (await theClient()).fetchImpl(request, false);
    return { response: flat(response) };
  } catch (error) {
    return { error: described(error) };
  }
}

function flat(response: HTTPResponse): NonNullable<BlockingAnswer["response"]> {
  const { code, reason, body, effectiveUrl, requestTime, startTime, timeInfo } = response;
  const fields = [...response.headers.toRaw()];
  return { code, reason, fields, body, effectiveUrl, requestTime, startTime, timeInfo: { ...timeInfo } };
}

function described(error: unknown): NonNullable<BlockingAnswer["error"]> {
  const { name, code, message, reason, phase, cause } = error as Record<string, unknown>;
  return {
    name: String(name),
    code: String(code),
    message: String(message),
    reason: reason === undefined ? undefined : String(reason),
    phase: phase === undefined ? undefined : String(phase),
    cause:
      cause instanceof Error
        ? { message: cause.message, code: (cause as { code?: unknown }).code }
        : undefined,
  };
}

port.on("message", (question: BlockingQuestion) => {
  void answer(question).then((message) => {
    port.postMessage(message);
    Atomics.add(answers, 0, 1);
    Atomics.notify(answers, 0);
  });
});
