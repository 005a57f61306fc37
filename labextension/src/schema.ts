import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

/** The schema of the settings with its titles and descriptions in JupyterLab's language. */
export function translated(schema: ISettingRegistry.ISchema, trans: TranslationBundle): ISettingRegistry.ISchema {
  const properties: Record<string, ISettingRegistry.IProperty> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    properties[name] = inWords(property, trans);
  }
  return { ...inWords(schema, trans), properties };
}

interface Described {
  title?: string;
  description?: string;
}

function inWords<T extends Described>(what: T, trans: TranslationBundle): T {
  const words = { ...what };
  if (what.title !== undefined) {
    words.title = trans.__(what.title);
  }
  if (what.description !== undefined) {
    words.description = trans.__(what.description);
  }
  return words;
}
