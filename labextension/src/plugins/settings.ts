import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { DOMAIN } from '../domain';
import { translated } from '../schema';
import { SettingsModel } from '../settings';
import { ISettings } from '../tokens';

export const settings: JupyterFrontEndPlugin<SettingsModel> = {
  id: 'jupyter-datasphere:plugin', // its schema brings the menu and the shortcuts, too
  description: 'The settings of DataSphere.',
  autoStart: true,
  provides: ISettings,
  optional: [ISettingRegistry, ITranslator],
  activate: (_app: JupyterFrontEnd, registry: ISettingRegistry | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    // JupyterLab's server translates schemas by its own language packs only, where ours is not.
    registry?.transform(settings.id, { fetch: plugin => ({ ...plugin, schema: translated(plugin.schema, trans) }) });
    return new SettingsModel(registry?.load(settings.id) ?? null);
  },
};
