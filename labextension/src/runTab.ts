import { Dialog, MainAreaWidget, showDialog } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator } from '@jupyterlab/translation';
import { addIcon, stopIcon, ToolbarButton, trustedIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { DOMAIN } from './domain';
import { dataSphereIcon } from './icons';
import { ATTACH_RUN, CANCEL_RUN } from './runCommands';
import { RunView } from './runView';
import { isRunning } from './tally';
import type { IRuns } from './tokens';

/** A tab of the main area with the output of a run, and what can be done with the run. */
export function runTab(
  id: string,
  runs: IRuns,
  commands: CommandRegistry,
  rendermime: IRenderMimeRegistry,
  translator: ITranslator
): MainAreaWidget<RunView> {
  const trans = translator.load(DOMAIN);
  const content = new RunView(id, runs, rendermime, translator);
  const tab = new MainAreaWidget({ content, translator });
  tab.id = `jupyter-datasphere-run-${id}`;
  tab.title.icon = dataSphereIcon;
  tab.title.closable = true;

  const cancel = new ToolbarButton({
    icon: stopIcon,
    label: trans.__('Cancel'),
    tooltip: trans.__('Cancel the run in DataSphere'),
    onClick: () => void commands.execute(CANCEL_RUN, { id }),
  });
  const attach = new ToolbarButton({
    icon: addIcon,
    label: trans.__('Attach'),
    tooltip: trans.__('Insert a cell with this output into the notebook that was last in front'),
    onClick: () => void commands.execute(ATTACH_RUN, { id }),
  });
  const trust = new ToolbarButton({
    icon: trustedIcon,
    label: trans.__('Trust'),
    tooltip: trans.__('Let scripts in this output run'),
    onClick: () => void askForTrust(content, translator),
  });
  tab.toolbar.addItem('cancel', cancel);
  tab.toolbar.addItem('attach', attach);
  tab.toolbar.addItem('trust', trust);
  const look = () => {
    cancel.enabled = content.execution !== undefined && isRunning(content.execution);
    attach.enabled = content.execution !== undefined;
    trust.enabled = !content.trusted;
  };
  content.changed.connect(look);
  look();
  return tab;
}

async function askForTrust(view: RunView, translator: ITranslator): Promise<void> {
  const trans = translator.load(DOMAIN);
  const { button } = await showDialog({
    title: trans.__('Trust this output?'),
    body: trans.__(
      'Scripts in it will run in this page, with all that you may do here. Trust it if you know what was run.'
    ),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Trust') })],
  });
  if (button.accept) {
    view.trust();
  }
}
