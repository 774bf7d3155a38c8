// @fastify/static for the folder of the benchmark, as its first page shows it.
import files from "@fastify/static";
import fastify from "fastify";
import { announce } from "../lib/serve.mjs";

const app = fastify();
app.register(files, { root: process.env.BENCH_FILES, prefix: "/static/" });
await app.listen({ port: 0, host: "127.0.0.1" });
announce(app.server.address().port);
