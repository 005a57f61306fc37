import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { OptionsForm } from '../components/optionsForm';
import { isExecutionId } from '../executionId';
import { dataSphereIcon } from '../icons';
import type { SettingsModel } from '../settings';
import { ATTACH_RUN, NO_ARGUMENTS, RUN_ARGUMENTS, RUN_CELL, RUN_NOTEBOOK, RUN_SELECTED } from '../runCommands';
import { confirmCost, optionsOf, type RunOptions } from '../runOptions';
import { orTell } from '../telling';
import type { IRuns } from '../tokens';
import type { NotebookRuns } from './notebookRuns';
import { sessionOf } from './sessions';
import { otherLanguage } from './source';

/** What the commands need to know. */
interface Parts {
  readonly commands: CommandRegistry;
  readonly tracker: INotebookTracker;
  readonly runs: IRuns;
  readonly runsOf: (panel: NotebookPanel) => NotebookRuns;
  readonly settings: SettingsModel;
  readonly trans: TranslationBundle;
}

/** The commands that run cells of the notebook in front, and the one that puts a run into it. */
export function addNotebookCommands(parts: Parts): void {
  const { commands, tracker, runsOf, trans } = parts;
  const isCode = () => tracker.activeCell?.model.type === 'code';
  const isFree = (model: ICellModel) =>
    tracker.currentWidget !== null && !runsOf(tracker.currentWidget).isBusy(model);

  commands.addCommand(RUN_CELL, {
    label: trans.__('Run cell in DataSphere'),
    caption: trans.__('Run the active cell in the DataSphere project; its output comes into the cell.'),
    icon: dataSphereIcon,
    describedBy: NO_ARGUMENTS,
    isEnabled: () => isCode() && tracker.activeCell !== null && isFree(tracker.activeCell.model),
    isVisible: () => tracker.activeCell === null || isCode(),
    execute: () => runHere(parts, ({ content }) => (content.activeCell ? [content.activeCell.model] : [])),
  });
  commands.addCommand(RUN_NOTEBOOK, {
    label: trans.__('Run notebook in DataSphere'),
    caption: trans.__('Run all code cells in the DataSphere project, one after the other, until one fails.'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => tracker.currentWidget !== null,
    execute: () => runHere(parts, ({ content }) => content.widgets.map(({ model }) => model)),
  });
  commands.addCommand(RUN_SELECTED, {
    label: trans.__('Run selected cells in DataSphere…'),
    caption: trans.__('Choose how, and run the selected code cells in the DataSphere project.'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => tracker.currentWidget !== null,
    execute: () =>
      runHere(
        parts,
        ({ content }) =>
          content.widgets.filter(cell => content.isSelectedOrActive(cell)).map(({ model }) => model),
        before => askForOptions(before, trans)
      ),
  });
  commands.addCommand(ATTACH_RUN, {
    label: trans.__('Attach a DataSphere run to the notebook'),
    caption: trans.__('Insert a cell whose output is that of the run below the active one.'),
    describedBy: RUN_ARGUMENTS,
    isEnabled: () => tracker.currentWidget !== null,
    execute: ({ id }) =>
      isExecutionId(id)
        ? orTell(trans.__('The run could not be attached'), trans, () => attach(parts, id))
        : undefined,
  });
}

type Ask = (before: RunOptions) => Promise<RunOptions | null>;

/** Run some cells of the notebook in front. */
async function runHere(
  parts: Parts,
  cellsOf: (panel: NotebookPanel) => ICellModel[],
  ask: Ask = before => Promise.resolve(before)
): Promise<void> {
  const { tracker, runsOf, settings, trans } = parts;
  const panel = tracker.currentWidget;
  if (panel === null) {
    return;
  }
  const cells = cellsOf(panel);
  const other = otherLanguage(panel.context.model.metadata, trans);
  if (other !== null) {
    Notification.warning(other);
    return;
  }
  const { now } = settings;
  const session = sessionOf(panel.context.path, now);
  const options = await ask({ ...optionsOf(now), session });
  if (options === null || !(await confirmCost(options, now, trans))) {
    return;
  }
  panel.content.widgets.forEach(cell => {
    if (cells.includes(cell.model) && 'outputHidden' in cell) {
      cell.outputHidden = false;
    }
  });
  await orTell(trans.__('The cell could not be run in DataSphere'), trans, async () => {
    const { remarks, stopped } = await runsOf(panel).run(cells, options.session ?? session, options);
    for (const remark of remarks) {
      Notification.emit(remark, stopped ? 'warning' : 'info', { autoClose: 8_000 });
    }
  });
}

async function askForOptions(before: RunOptions, trans: TranslationBundle): Promise<RunOptions | null> {
  const { button, value } = await showDialog({
    title: trans.__('Run the selected cells in DataSphere'),
    body: new OptionsForm(before, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
  });
  return button.accept ? value : null;
}

/** Insert a cell that says that it is the run's: from there on it is joined as after a reload. */
async function attach({ tracker, runs }: Parts, id: string): Promise<void> {
  const panel = tracker.currentWidget;
  if (panel === null) {
    return;
  }
  const { source } = runs.model.find(id) ?? (await runs.model.get(id));
  const { content } = panel;
  const index = content.activeCellIndex + 1;
  panel.context.model.sharedModel.insertCell(index, {
    cell_type: 'code',
    source: source.type === 'code' ? source.source : `%ds_attach ${id}`,
    metadata: { datasphere: { execution: id } },
  });
  content.activeCellIndex = index;
  content.deselectAll();
}
