import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Sidebar, SIDEBAR_ID } from '../sidebar';
import { ISidebar } from '../tokens';

/** Below the file browser (100), the running kernels (200), the table of contents (400) and above extensions (1000). */
const RANK = 500;

export const sidebar: JupyterFrontEndPlugin<ISidebar> = {
  id: 'jupyter-datasphere:sidebar',
  description: 'The sidebar of DataSphere; other plugins add its sections.',
  autoStart: true,
  provides: ISidebar,
  optional: [ILayoutRestorer, ITranslator],
  activate: ({ shell }: JupyterFrontEnd, restorer: ILayoutRestorer | null, translator: ITranslator | null) => {
    const panel = new Sidebar(() => shell.activateById(SIDEBAR_ID), translator ?? nullTranslator);
    shell.add(panel, 'left', { rank: RANK, type: 'DataSphere' });
    restorer?.add(panel, SIDEBAR_ID);
    return panel;
  },
};
