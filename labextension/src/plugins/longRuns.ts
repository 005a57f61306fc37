import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { DOMAIN } from '../domain';
import { tellLongRuns } from '../longRuns';
import type { SettingsModel } from '../settings';
import { IRuns, ISettings, IStatusModel } from '../tokens';

export const longRuns: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:long-runs',
  description: 'Tells the user when a run ends that took long.',
  autoStart: true,
  requires: [IRuns, IStatusModel, ISettings],
  optional: [ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { model }: IRuns,
    status: IStatusModel,
    settings: SettingsModel,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    tellLongRuns(model, settings, commands, trans);
    const look = () => {
      // Runs that were on before this page was opened: which they are has to be known to see them end.
      const { status: now } = status.snapshot;
      if (now !== null) {
        status.changed.disconnect(look);
        if ((now.running ?? 0) > 0) {
          void model.refresh();
        }
      }
    };
    status.changed.connect(look);
    look();
  },
};
