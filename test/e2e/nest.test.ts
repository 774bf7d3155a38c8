/**
 * Nest in a NodeContainer. Its decorators are functions, called here as TypeScript's `experimentalDecorators` would: the project's
 * own compiler settings have the decorators of the standard.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeContainer, type NodeListener } from "squall/node";
import { ExpectLog } from "squall/testing";
import { accessLog } from "#room/base/log";
import { withContainer } from "../support/container-server.js";
import { loadPackage, needsPackages } from "../support/interop.js";
import { field } from "../support/raw-client.js";

type ClassDecorator_ = (target: object) => void;
type MethodDecorator_ = (target: object, name: string, descriptor: PropertyDescriptor) => void;
type ParameterDecorator_ = (target: object, name: string | undefined, index: number) => void;

interface NestCommon {
  Body(): ParameterDecorator_;
  Controller(path: string): ClassDecorator_;
  Get(path?: string): MethodDecorator_;
  Inject(token: unknown): ParameterDecorator_;
  Injectable(): ClassDecorator_;
  Module(parts: { controllers: unknown[]; providers: unknown[] }): ClassDecorator_;
  NotFoundException: new (message: string) => Error;
  Param(name: string): ParameterDecorator_;
  Post(path?: string): MethodDecorator_;
}

interface NestCore {
  readonly NestFactory: {
    create(module: object, options: { logger: false }): Promise<NestApplication>;
  };
}

interface NestApplication {
  init(): Promise<unknown>;
  close(): Promise<void>;
  getHttpAdapter(): { getInstance(): NodeListener };
}

test(
  "Nest answers, injects, takes JSON, and has its own errors",
  needsPackages("@nestjs/common", "@nestjs/core", "@nestjs/platform-express"),
  async () => {
    const nest = await loadPackage<NestCommon>("@nestjs/common");
    const { NestFactory } = await loadPackage<NestCore>("@nestjs/core");

    class Greetings {
      greet(name: string): string {
        return `Hello, ${name}`;
      }
    }
    class HelloController {
      readonly #greetings: Greetings;

      constructor(greetings: Greetings) {
        this.#greetings = greetings;
      }

      hello(): string {
        return this.#greetings.greet("world");
      }

      one(name: string): { greeting: string } {
        if (name === "nobody") throw new nest.NotFoundException("there is nobody");
        return { greeting: this.#greetings.greet(name) };
      }

      add(body: { name: string }): string {
        return this.#greetings.greet(body.name);
      }
    }
    class AppModule {}

    const decorate = (name: "hello" | "one" | "add", decorator: MethodDecorator_): void =>
      decorator(
        HelloController.prototype,
        name,
        Object.getOwnPropertyDescriptor(HelloController.prototype, name)!,
      );
    nest.Injectable()(Greetings);
    nest.Inject(Greetings)(HelloController, undefined, 0);
    decorate("hello", nest.Get());
    decorate("one", nest.Get(":name"));
    nest.Param("name")(HelloController.prototype, "one", 0);
    decorate("add", nest.Post());
    nest.Body()(HelloController.prototype, "add", 0);
    nest.Controller("hello")(HelloController);
    nest.Module({ controllers: [HelloController], providers: [Greetings] })(AppModule);

    const app = await NestFactory.create(AppModule, { logger: false });
    await app.init();
    try {
      using _log = new ExpectLog(accessLog, /^404 GET \/hello\/nobody /);
      await withContainer(new NodeContainer(app.getHttpAdapter().getInstance()), async ({ ask }) => {
        const hello = await ask("/hello");
        assert.deepEqual([hello.status, hello.body.toString()], [200, "Hello, world"]);
        assert.equal(field(hello, "X-Powered-By"), "Express");
        assert.deepEqual(JSON.parse((await ask("/hello/Ada")).body.toString()), { greeting: "Hello, Ada" });
        const head = "Content-Type: application/json\r\n";
        const added = await ask("/hello", { method: "POST", body: '{"name":"Bo"}', head });
        assert.deepEqual([added.status, added.body.toString()], [201, "Hello, Bo"]);
        const missing = await ask("/hello/nobody");
        assert.equal(missing.status, 404);
        assert.deepEqual(JSON.parse(missing.body.toString()), {
          message: "there is nobody",
          error: "Not Found",
          statusCode: 404,
        });
      });
    } finally {
      await app.close();
    }
  },
);
