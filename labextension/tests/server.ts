import { PageConfig } from '@jupyterlab/coreutils';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on this machine that the front end takes for the Jupyter server. */
export class Upstream {
  static async start(handler: Handler): Promise<Upstream> {
    const server = createServer((request, response) => {
      handler(request, response);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    PageConfig.setOption('baseUrl', `http://127.0.0.1:${port}/`);
    return new Upstream(server);
  }

  private constructor(private readonly _server: Server) {}

  async stop(): Promise<void> {
    this._server.closeAllConnections();
    await new Promise(resolve => this._server.close(resolve));
  }
}

/** Answer with JSON. */
export function json(response: ServerResponse, content: unknown, status = 200): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'Content-Type': type });
  response.end(JSON.stringify(content));
}

/** Begin a stream of events. */
export function stream(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.flushHeaders();
}
