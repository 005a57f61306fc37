import type { Execution, ExecutionRequest } from './api';
import { newExecutionId } from './executionId';
import { request, RequestError } from './request';

/** Ms to wait before it is found out what became of a request whose answer was lost. */
const AGAIN_MS = [500, 2_000, 5_000];

/** Start a run, once, even where an answer is lost. Rejects with a `RequestError`. */
export async function start(body: ExecutionRequest): Promise<Execution> {
  const id = newExecutionId();
  const ask = () =>
    request('post', '/datasphere/executions', { header: { 'X-Execution-Id': id }, body });
  let lost: unknown;
  for (const wait of [0, ...AGAIN_MS]) {
    try {
      if (wait === 0) {
        return await ask();
      }
      await new Promise(resolve => setTimeout(resolve, wait));
      return await find(id, ask);
    } catch (error) {
      if (!(error instanceof RequestError) || error.reason !== 'unreachable') {
        throw error;
      }
      lost = error;
    }
  }
  throw lost;
}

/** The run where it was begun, and it is begun where not. */
async function find(id: string, ask: () => Promise<Execution>): Promise<Execution> {
  try {
    return await request('get', '/datasphere/executions/{execution_id}', { path: { execution_id: id } });
  } catch (error) {
    if (error instanceof RequestError && error.problem.status === 404 && error.reason === 'told') {
      return ask();
    }
    throw error;
  }
}
