// The application of hono-node-server.mjs, with the platform's own Request and Response.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { announce } from "../lib/serve.mjs";

const app = new Hono();
app.get("/", (context) => context.text("Hello, world"));
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1", overrideGlobalObjects: false }, ({ port }) =>
  announce(port),
);
