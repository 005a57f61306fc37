import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { ensureQuickstart } from './quickstart';
import { problemOf } from './request';

export const OPEN_QUICKSTART = 'datasphere:open-quickstart';

export const CATEGORY = 'DataSphere';

/** Register the commands; each tells the user where it fails. */
export function addCommands({ commands, serviceManager }: JupyterFrontEnd, trans: TranslationBundle): void {
  commands.addCommand(OPEN_QUICKSTART, {
    label: trans.__('DataSphere: open the quickstart'),
    caption: trans.__('Open quickstart.ipynb in the server’s root folder; it is made if it is not there.'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      try {
        const path = await ensureQuickstart(serviceManager.contents);
        await commands.execute('docmanager:open', { path });
      } catch (error) {
        const { title, hint } = problemOf(error);
        const message = hint === undefined ? title : `${title} ${hint}`;
        await showErrorMessage(trans.__('The quickstart could not be opened'), message);
      }
    },
  });
}
