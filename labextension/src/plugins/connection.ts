import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ConnectionSection } from '../components/connection';
import { DOMAIN } from '../domain';
import { ISidebar, IStatusModel } from '../tokens';

export const connection: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:connection',
  description: 'The section of the sidebar that tells how the connection to DataSphere stands.',
  autoStart: true,
  requires: [ISidebar, IStatusModel],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    sidebar: ISidebar,
    model: IStatusModel,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    sidebar.addSection({
      id: 'connection',
      title: trans.__('Connection'),
      rank: 10,
      widget: new ConnectionSection(model, trans),
      unfolded: true,
    });
  },
};
