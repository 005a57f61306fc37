import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { problemOf } from './request';

/** Do something, and tell the user where that fails; gives undefined then. */
export async function orTell<T>(
  title: string,
  trans: TranslationBundle,
  work: () => Promise<T>
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const { title: what, hint, request_id: id } = problemOf(error);
    const parts = [what, hint, id === undefined ? undefined : trans.__('Request ID %1', id)];
    await showErrorMessage(title, parts.filter(part => part !== undefined).join('\n\n'));
    return undefined;
  }
}
