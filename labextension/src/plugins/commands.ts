import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands, CATEGORY, OPEN_QUICKSTART } from '../commands';
import { DOMAIN } from '../domain';

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:commands',
  description: 'Adds the DataSphere commands, and offers them in the command palette.',
  autoStart: true,
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null, translator: ITranslator | null) => {
    addCommands(app, (translator ?? nullTranslator).load(DOMAIN));
    palette?.addItem({ command: OPEN_QUICKSTART, category: CATEGORY });
  },
};
