import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands, CATEGORY, OPEN_QUICKSTART, SHOW_SIDEBAR } from '../commands';
import { DOMAIN } from '../domain';
import { ISidebar } from '../tokens';

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:commands',
  description: 'The commands that belong to nothing else: the sidebar’s and the quickstart’s, in palette and launcher.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ICommandPalette, ILauncher, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ) => {
    addCommands(app, sidebar, (translator ?? nullTranslator).load(DOMAIN));
    for (const command of [SHOW_SIDEBAR, OPEN_QUICKSTART]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    launcher?.add({ command: OPEN_QUICKSTART, category: CATEGORY });
  },
};
