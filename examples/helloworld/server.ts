/** The smallest application: node build/examples/helloworld/server.js, then http://localhost:8888. */
import { Application, RequestHandler } from "squall/web";

class MainHandler extends RequestHandler {
  get(): void {
    this.write("Hello, world");
  }
}

const server = await new Application([["/", MainHandler]]).listen(Number(process.env.PORT ?? 8888));
console.log(`Say hello on http://localhost:${server.port}`);
