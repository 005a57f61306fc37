import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CATEGORY } from '../commands';
import { DOMAIN } from '../domain';
import { Badges } from '../notebook/badges';
import { addNotebookCommands } from '../notebook/commands';
import { NotebookRuns } from '../notebook/notebookRuns';
import type { SettingsModel } from '../settings';
import { RUN_CELL, RUN_NOTEBOOK, RUN_SELECTED } from '../runCommands';
import { IRuns, ISettings } from '../tokens';

export const notebook: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:notebook',
  description: 'Runs cells of notebooks in DataSphere, and joins their runs again.',
  autoStart: true,
  requires: [IRuns, INotebookTracker, ISettings],
  optional: [IDocumentManager, ICommandPalette, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    runs: IRuns,
    tracker: INotebookTracker,
    settings: SettingsModel,
    documents: IDocumentManager | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const known = new WeakMap<NotebookPanel['context'], NotebookRuns>();
    const changed = () => commands.notifyCommandChanged(RUN_CELL);
    const runsOf = ({ context }: NotebookPanel): NotebookRuns => {
      let found = known.get(context);
      if (found === undefined) {
        found = new NotebookRuns(context, runs, () => documents?.autosave ?? true, trans);
        found.changed.connect(changed);
        known.set(context, found);
      }
      return found;
    };
    const take = (panel: NotebookPanel) => new Badges(panel, runsOf(panel), runs, commands, trans);
    tracker.forEach(take);
    tracker.widgetAdded.connect((_, panel) => take(panel));
    tracker.activeCellChanged.connect(changed);
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      const panel = tracker.find(({ content }) => content === notebook);
      if (panel !== undefined) {
        runsOf(panel).release(cell.model);
      }
    });
    addNotebookCommands({ commands, tracker, runs, runsOf, settings, trans });
    for (const command of [RUN_CELL, RUN_NOTEBOOK, RUN_SELECTED]) {
      palette?.addItem({ command, category: CATEGORY });
    }
  },
};
