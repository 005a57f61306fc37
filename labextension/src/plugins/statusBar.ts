import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { StatusItem } from '../components/statusItem';
import { DOMAIN } from '../domain';
import { ISidebar, IStatusModel } from '../tokens';

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:status-bar',
  description: 'Shows the project, the running executions and the connection in the status bar.',
  autoStart: true,
  requires: [IStatusModel, ISidebar],
  optional: [IStatusBar, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    model: IStatusModel,
    sidebar: ISidebar,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const item = new StatusItem(model, () => sidebar.open('connection'), trans);
    bar?.registerStatusItem(statusBar.id, { item, align: 'left', rank: 10 });
  },
};
