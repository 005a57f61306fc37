import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { RunsSection } from '../components/runsSection';
import { DOMAIN } from '../domain';
import { IRuns, ISidebar } from '../tokens';

export const runsSection: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:runs-section',
  description: 'The section of the sidebar that lists the runs.',
  autoStart: true,
  requires: [ISidebar, IRuns],
  optional: [ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    sidebar: ISidebar,
    runs: IRuns,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const widget = new RunsSection(runs, commands, trans);
    sidebar.addSection({ id: 'runs', title: trans.__('Runs'), rank: 30, widget, unfolded: true });
  },
};
