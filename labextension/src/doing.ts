import { Notification, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Problem } from './api';
import { problemOf } from './request';

/** JupyterLab cuts longer notifications. */
const LONGEST = 140;

/** What is said of something that takes a while. */
interface Words {
  readonly doing: string;
  readonly done: string;
  readonly failed: string;
  /** What may be done then. */
  readonly actions?: Notification.IAction[];
}

/** Show that something is under way, and how it ended; whether it succeeded. */
export async function show(work: Promise<unknown>, words: Words, trans: TranslationBundle): Promise<boolean> {
  const notification = Notification.emit(fitting(words.doing), 'in-progress', { autoClose: false });
  try {
    await work;
  } catch (error) {
    Notification.dismiss(notification);
    await tell(words.failed, error, trans);
    return false;
  }
  Notification.update({
    id: notification,
    message: fitting(words.done),
    type: 'success',
    autoClose: 5_000,
    actions: words.actions ?? [],
  });
  return true;
}

/** Tell the user what failed, why, and what to do about it. */
export async function tell(what: string, error: unknown, trans: TranslationBundle): Promise<void> {
  await showErrorMessage(what, inWords(problemOf(error), trans));
}

function inWords({ title, hint, request_id }: Problem, trans: TranslationBundle): string {
  const lines = [title];
  if (hint !== undefined) {
    lines.push(hint);
  }
  if (request_id !== undefined) {
    lines.push(trans.__('Request ID %1', request_id));
  }
  return lines.join(' ');
}

function fitting(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}
