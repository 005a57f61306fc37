import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { remedy } from './remedies';
import type { IStatusModel } from './tokens';

/** Tell once, with the command that mends it, that the server extension is missing or of another version. */
export function announce(model: IStatusModel, trans: TranslationBundle): void {
  const told = new Set<string>();
  const tell = () => {
    const { health } = model.snapshot;
    const mend = remedy(health, trans);
    if (mend === null || told.has(health.kind)) {
      return;
    }
    told.add(health.kind);
    Notification.warning(`${mend.message} ${mend.command}`, {
      autoClose: false,
      actions: [
        {
          label: trans.__('Copy the command'),
          callback: () => Clipboard.copyToSystem(mend.command),
        },
      ],
    });
  };
  model.changed.connect(tell);
  tell();
}
