// Fastify as its first page shows it, without the logger (its default).
import fastify from "fastify";
import { announce } from "../lib/serve.mjs";

const app = fastify();
app.get("/", (_request, reply) => {
  reply.type("text/html; charset=UTF-8").send("Hello, world");
});
await app.listen({ port: 0, host: "127.0.0.1" });
announce(app.server.address().port);
