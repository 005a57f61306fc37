import { UUID } from '@lumino/coreutils';

import type { Operation } from './api';
import { request, RequestError } from './request';

/** Seconds that one question waits for the end of an operation. */
const PATIENCE = 25;
/** How often a change is sent where no answer comes; by its key it happens once. */
const TRIES = 3;

/**
 * Change something in DataSphere and wait until that is done: `send` sends it, under the key that it is given.
 * Gives the operation as it began. Rejects with a `RequestError`.
 */
export async function change(send: (key: string) => Promise<Operation>): Promise<Operation> {
  const key = UUID.uuid4();
  for (let tried = 1; ; tried++) {
    try {
      const operation = await send(key);
      await ended(operation.id);
      return operation;
    } catch (error) {
      const broken = error instanceof RequestError && error.reason === 'unreachable';
      if (!broken || tried === TRIES) {
        throw error;
      }
    }
  }
}

async function ended(id: string): Promise<void> {
  for (;;) {
    const { done, problem } = await request('get', '/datasphere/operations/{operation_id}', {
      path: { operation_id: id },
      query: { wait: PATIENCE },
    });
    if (problem !== undefined) {
      throw new RequestError('told', problem);
    }
    if (done === true) {
      return;
    }
  }
}

/** The ID of what an operation has created, which it knows from its beginning. */
export function made({ metadata }: Operation, field: 'projectId' | 'communityId'): string {
  const id: unknown = metadata?.[field];
  if (typeof id !== 'string') {
    throw new Error(`The operation does not say what it has created (${field}).`);
  }
  return id;
}
