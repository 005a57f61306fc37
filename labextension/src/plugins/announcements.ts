import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { announce } from '../announcements';
import { DOMAIN } from '../domain';
import { IStatusModel } from '../tokens';

export const announcements: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:announcements',
  description: 'Tells the user once that the server extension is missing or of another version.',
  autoStart: true,
  requires: [IStatusModel],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, model: IStatusModel, translator: ITranslator | null) => {
    // Earlier, JupyterLab would count the notification without showing it.
    void app.restored.then(() => announce(model, (translator ?? nullTranslator).load(DOMAIN)));
  },
};
