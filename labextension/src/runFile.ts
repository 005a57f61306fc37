import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Execution } from './api';
import { otherLanguage } from './notebook/source';
import type { Settings } from './settings';
import { request, upload } from './request';
import { confirmCost, optionsOf, requestOf } from './runOptions';
import { start } from './starting';

/**
 * Send a notebook of this server to the project in force and run it there, as `%ds_execute PATH --upload` does: it
 * goes to the same place below the project's top folder as it has below the server's, and runs in a session of its
 * own. One that is open is saved first. Gives undefined where the user does not want that after all.
 */
export async function runFile(
  path: string,
  contents: Contents.IManager,
  documents: IDocumentManager | null,
  settings: Settings,
  trans: TranslationBundle
): Promise<Execution | undefined> {
  await saved(path, documents);
  const file = await contents.get(path, { type: 'file', format: 'text', content: true });
  const text = String(file.content);
  const other = otherLanguage(metadataOf(text), trans);
  if (other !== null) {
    Notification.warning(other);
    return undefined;
  }
  const options = optionsOf(settings);
  const remote = contents.localPath(path);
  const { size, project_id: project, project_name } = await request('get', '/datasphere/files/size', {
    query: { path: remote },
  });
  const mayReplace = size === null || (await confirmReplacing(remote, project_name, trans));
  if (!mayReplace || !(await confirmCost(options, settings, trans))) {
    return undefined;
  }
  // To that project, whatever is chosen meanwhile.
  await upload({ path: remote, project }, text, true);
  return start({ source: { type: 'notebook', path: remote }, project, ...requestOf(options) });
}

async function saved(path: string, documents: IDocumentManager | null): Promise<void> {
  const widget = documents?.findWidget(path);
  if (widget?.context.model.dirty === true) {
    await widget.context.save();
  }
}

async function confirmReplacing(path: string, project: string, trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Replace the notebook in the project?'),
    body: trans.__('%1 is in the project %2 already. The one of this server takes its place, and runs.', path, project),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Replace and run') })],
  });
  return button.accept;
}

function metadataOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { metadata?: unknown } | null)?.metadata;
  } catch {
    return undefined; // the runner says what is wrong with it
  }
}
