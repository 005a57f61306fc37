import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Problem } from './api';

/** A request that takes longer than this is given up; the server extension itself gives up sooner. */
const TIMEOUT_MS = 90_000;

/**
 * Why a request failed:
 * - `told`: the server extension says why;
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

/** Ask the server extension. Nothing else talks to it. Rejects with a `RequestError`. */
export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(settings.baseUrl, 'datasphere', path);
  let response: Response;
  let body: unknown;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await ServerConnection.makeRequest(url, { signal, ...init }, settings);
    body = await response.json().catch(() => null);
  } catch {
    throw new RequestError('unreachable', {
      code: 'unreachable',
      title: 'The Jupyter server does not answer.',
    });
  }
  if (response.ok && body !== null) {
    return body as T;
  }
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json') && body !== null) {
    throw new RequestError('told', body as Problem);
  }
  throw new RequestError(response.status === 404 ? 'missing' : 'unreachable', {
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
