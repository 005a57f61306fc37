import { ServerConnection } from '@jupyterlab/services';
import { URLExt } from '@jupyterlab/coreutils';

import type { Problem, StoredFile } from './api';
import type { paths } from './generated';

/** A request that takes longer than this is given up; the server extension itself gives up sooner. */
const TIMEOUT_MS = 90_000;

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
/** The paths of the API that know a verb. */
type PathOf<V extends Verb> = {
  [P in keyof paths]: paths[P] extends Record<V, object> ? P : never;
}[keyof paths];
type Json<C> = C extends { content: { 'application/json': infer T } } ? T : never;
type Operation<V extends Verb, P extends keyof paths> = paths[P] extends Record<V, infer O> ? O : never;

/** What an operation answers with. */
export type Answer<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;
type Body<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { requestBody: infer B } ? { body: Json<B> } : { body?: never };
type InPath<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { parameters: { path: infer T extends object } } ? { path: T } : { path?: never };
type InQuery<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { parameters: { query?: infer T } } ? { query?: T } : { query?: never };
type InHeader<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { parameters: { header?: infer T } } ? { header?: T } : { header?: never };

/** What a request says beside its verb and path; `key` makes a change that is sent twice happen once. */
export type Options<V extends Verb, P extends keyof paths> = Body<V, P> &
  InPath<V, P> &
  InQuery<V, P> &
  InHeader<V, P> & { signal?: AbortSignal; key?: string };

/**
 * Why a request failed:
 * - `told`: the server extension, or DataSphere through it, says why;
 * - `missing`: the Jupyter server does not know the path, its extension is not installed or disabled;
 * - `unreachable`: no answer, or one of somebody else.
 */
export type Reason = 'told' | 'missing' | 'unreachable';

/** What went wrong with a request. */
export class RequestError extends Error {
  constructor(
    readonly reason: Reason,
    readonly problem: Problem
  ) {
    super(problem.title);
    this.name = 'RequestError';
  }
}

/** Ask the server extension. Rejects with a `RequestError`. */
export async function request<V extends Verb, P extends PathOf<V>>(
  verb: V,
  path: P,
  options: Options<V, P>
): Promise<Answer<V, P>> {
  const response = await send(verb, path, options);
  const body = (await response.json().catch(() => null)) as unknown;
  if (response.ok && body !== null) {
    return body as Answer<V, P>;
  }
  throw refusal(response, body);
}

/** As `request`, for an answer that is a stream of events: gives it once it has begun. */
export async function open(
  path: '/datasphere/events',
  options: Options<'get', '/datasphere/events'>
): Promise<ReadableStream<Uint8Array>> {
  const response = await send('get', path, options);
  if (response.ok && response.body !== null) {
    return response.body;
  }
  throw refusal(response, (await response.json().catch(() => null)) as unknown);
}

/** The address of the server extension's page that opens a project in DataSphere. */
export function openingPage(project: string): string {
  return url(ServerConnection.makeSettings().baseUrl, '/datasphere/open', { query: { project } });
}

/** Write a file of the project with that content; one that is there is replaced only if that is said. */
export async function upload(
  query: { path: string; project?: string },
  content: string,
  overwrite: boolean
): Promise<StoredFile> {
  const response = await send('put', '/datasphere/files', {
    query,
    header: { 'X-Overwrite': String(overwrite) },
    bytes: new TextEncoder().encode(content),
  });
  const body = (await response.json().catch(() => null)) as unknown;
  if (response.ok && body !== null) {
    return body as StoredFile;
  }
  throw refusal(response, body);
}

interface AnyOptions {
  path?: unknown;
  query?: unknown;
  header?: unknown;
  body?: unknown;
  /** A body that is no JSON. */
  bytes?: Uint8Array<ArrayBuffer>;
  signal?: AbortSignal;
  key?: string;
}

async function send(verb: Verb, path: string, options: AnyOptions): Promise<Response> {
  const settings = ServerConnection.makeSettings();
  // Whoever accepts problems gets what to do about an error of DataSphere's, too.
  const headers: Record<string, string> = {
    Accept: 'application/json, application/problem+json',
    ...(options.header as Record<string, string> | undefined),
  };
  const init: RequestInit = { method: verb.toUpperCase(), headers };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  } else if (options.bytes !== undefined) {
    headers['Content-Type'] = 'application/octet-stream';
    init.body = options.bytes;
  }
  if (options.key !== undefined) {
    headers['Idempotency-Key'] = options.key;
  }
  init.signal = options.signal ?? AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await ServerConnection.makeRequest(url(settings.baseUrl, path, options), init, settings);
  } catch (error) {
    if (options.signal?.aborted) {
      throw error;
    }
    throw new RequestError('unreachable', {
      code: 'unreachable',
      title: 'The Jupyter server does not answer.',
    });
  }
}

function url(base: string, path: string, { path: places, query }: AnyOptions): string {
  const named = new Map<string, unknown>(Object.entries(places ?? {}));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(named.get(name))));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}) as [string, unknown][]) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) {
        search.append(name, String(one));
      }
    }
  }
  const text = search.toString();
  return URLExt.join(base, filled) + (text === '' ? '' : `?${text}`);
}

function refusal(response: Response, body: unknown): RequestError {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json') && body !== null) {
    return new RequestError('told', body as Problem);
  }
  const told = body as { code?: unknown; message?: unknown; details?: { requestId?: string }[] } | null;
  if (typeof told?.code === 'number' && typeof told.message === 'string') {
    // DataSphere's own word, passed on as it came.
    const id = told.details?.find(detail => detail.requestId !== undefined)?.requestId;
    const problem = { code: `grpc-${told.code}`, title: told.message, status: response.status };
    return new RequestError('told', id === undefined ? problem : { ...problem, request_id: id });
  }
  return new RequestError(response.status === 404 ? 'missing' : 'unreachable', {
    code: `http-${response.status}`,
    title: `The Jupyter server answered: ${response.status} ${response.statusText}.`,
    status: response.status,
  });
}

/** Whatever was thrown, as a problem that can be shown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof RequestError) {
    return error.problem;
  }
  return { code: 'internal', title: error instanceof Error ? error.message : String(error) };
}
