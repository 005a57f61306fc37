import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { StatusItem } from '../components/statusItem';
import { DOMAIN } from '../domain';
import { IStatusModel } from '../tokens';

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:status-bar',
  description: 'Shows the project, the running executions and the connection in the status bar.',
  autoStart: true,
  requires: [IStatusModel],
  optional: [IStatusBar, ITranslator],
  activate: (_app, model: IStatusModel, bar: IStatusBar | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    bar?.registerStatusItem(statusBar.id, { item: new StatusItem(model, trans), align: 'left', rank: 10 });
  },
};
