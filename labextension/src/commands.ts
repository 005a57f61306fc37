import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import { tell } from './doing';
import { dataSphereIcon } from './icons';
import { ensureQuickstart } from './quickstart';
import type { ISidebar } from './tokens';

export const OPEN_QUICKSTART = 'datasphere:open-quickstart';
export const SHOW_SIDEBAR = 'datasphere:show-sidebar';

export const CATEGORY = 'DataSphere';

/** Register the commands; each tells the user where it fails. */
export function addCommands(
  { commands, serviceManager }: JupyterFrontEnd,
  sidebar: ISidebar,
  trans: TranslationBundle
): void {
  commands.addCommand(SHOW_SIDEBAR, {
    label: trans.__('Show the DataSphere sidebar'),
    icon: dataSphereIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => sidebar.open(),
  });
  commands.addCommand(OPEN_QUICKSTART, {
    label: trans.__('Open the DataSphere quickstart'),
    icon: dataSphereIcon,
    caption: trans.__('Open quickstart.ipynb in the server’s root folder; it is made if it is not there.'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      try {
        const path = await ensureQuickstart(serviceManager.contents);
        await commands.execute('docmanager:open', { path });
      } catch (error) {
        await tell(trans.__('The quickstart could not be opened'), error, trans);
      }
    },
  });
}
