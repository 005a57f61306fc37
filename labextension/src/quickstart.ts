import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';

import { request } from './request';

export const QUICKSTART = 'quickstart.ipynb';

/** Make sure that the quickstart is in the server's root folder; a file that is there stays as it is. */
export async function ensureQuickstart(contents: Contents.IManager): Promise<string> {
  if (await exists(contents, QUICKSTART)) {
    return QUICKSTART;
  }
  const content: unknown = await request('get', '/datasphere/quickstart', {});
  // Saved under a new name first: saving would overwrite what came meanwhile, renaming refuses to.
  const { path } = await contents.newUntitled({ path: '', type: 'notebook' });
  try {
    await contents.save(path, { type: 'notebook', format: 'json', content });
    await contents.rename(path, QUICKSTART);
  } catch (error) {
    await contents.delete(path);
    if (!isStatus(error, 409)) {
      throw error;
    }
  }
  return QUICKSTART;
}

async function exists(contents: Contents.IManager, path: string): Promise<boolean> {
  try {
    await contents.get(path, { content: false });
    return true;
  } catch (error) {
    if (isStatus(error, 404)) {
      return false;
    }
    throw error;
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof ServerConnection.ResponseError && error.response.status === status;
}
