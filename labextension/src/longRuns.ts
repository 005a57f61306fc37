import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Execution } from './api';
import type { SettingsModel } from './settings';
import { OPEN_RUN } from './runCommands';
import { secondsOf, tallyOf } from './tally';
import type { RunsModel } from './runs';
import { titleOf } from './words';

/** JupyterLab shows so many characters of a notification. */
const WIDTH = 140;

/** Tell when a run ends that took long, with the way to its output. */
export function tellLongRuns(
  model: RunsModel,
  settings: SettingsModel,
  commands: CommandRegistry,
  trans: TranslationBundle
): void {
  const told = new Set<string>();
  model.ended.connect((_, execution) => {
    const { id, finished_at: end = execution.created_at } = execution;
    if (told.has(id) || secondsOf(execution, end) < settings.now.longRun) {
      return;
    }
    told.add(id);
    Notification.emit(words(execution, end, trans), kindOf(execution), {
      autoClose: false,
      actions: [
        {
          label: trans.__('Show output'),
          displayType: 'accent',
          callback: () => void commands.execute(OPEN_RUN, { id }),
        },
      ],
    });
  });
}

function words(execution: Execution, end: number, trans: TranslationBundle): string {
  const tally = tallyOf(execution, end, trans);
  const text = trans.__('DataSphere: %1: %2', tally, titleOf(execution.source, trans));
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}

function kindOf({ state }: Execution): 'success' | 'error' | 'warning' {
  switch (state) {
    case 'succeeded':
      return 'success';
    case 'cancelled':
      return 'warning';
    default:
      return 'error';
  }
}
