import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { DOMAIN } from '../domain';
import { isExecutionId } from '../executionId';
import { CANCEL_RUN, OPEN_RUN, RUN_ARGUMENTS } from '../runCommands';
import { runTab } from '../runTab';
import type { RunView } from '../runView';
import { orTell } from '../telling';
import { IRuns } from '../tokens';

export const runTabs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:run-tabs',
  description: 'Opens the output of a run in a tab of the main area, and cancels runs.',
  autoStart: true,
  requires: [IRuns, IRenderMimeRegistry],
  optional: [ILayoutRestorer, ITranslator],
  activate: (
    { commands, shell }: JupyterFrontEnd,
    found: IRuns,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const language = translator ?? nullTranslator;
    const trans = language.load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<RunView>>({ namespace: 'jupyter-datasphere-runs' });
    commands.addCommand(OPEN_RUN, {
      label: trans.__('Show the output of a DataSphere run'),
      caption: trans.__('Open all that a run has put out in a tab.'),
      describedBy: RUN_ARGUMENTS,
      execute: async ({ id }) => {
        if (!isExecutionId(id)) {
          return;
        }
        let tab = tracker.find(({ content }) => content.executionId === id);
        if (tab === undefined) {
          tab = runTab(id, found, commands, rendermime, language);
          await tracker.add(tab);
          shell.add(tab, 'main', { type: 'DataSphere run' });
        }
        shell.activateById(tab.id);
      },
    });
    commands.addCommand(CANCEL_RUN, {
      label: trans.__('Cancel a DataSphere run'),
      caption: trans.__('Ask for the end of a run; it says itself when it has ended.'),
      describedBy: RUN_ARGUMENTS,
      execute: ({ id }) =>
        isExecutionId(id)
          ? orTell(trans.__('The run could not be cancelled'), trans, () => found.model.cancel(id))
          : undefined,
    });
    void restorer?.restore(tracker, {
      command: OPEN_RUN,
      args: ({ content }) => ({ id: content.executionId }),
      name: ({ content }) => content.executionId,
    });
  },
};
