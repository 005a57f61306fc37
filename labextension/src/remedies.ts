import type { TranslationBundle } from '@jupyterlab/translation';

import type { Health } from './tokens';
import { VERSION } from './version';

/** A trouble with the server extension itself, and the command that mends it: together at most 140 characters. */
export interface Remedy {
  readonly message: string;
  readonly command: string;
}

export function remedy(health: Health, trans: TranslationBundle): Remedy | null {
  switch (health.kind) {
    case 'missing':
      return {
        message: trans.__('DataSphere’s server extension is missing or disabled. Enable it and restart:'),
        command: 'jupyter server extension enable jupyter_datasphere',
      };
    case 'other-version':
      return {
        message: trans.__(
          'DataSphere: the server extension is %1, this page is %2. Upgrade, restart, reload:',
          health.version.slice(0, 12),
          VERSION
        ),
        command: 'pip install --upgrade jupyter-datasphere',
      };
    default:
      return null;
  }
}
