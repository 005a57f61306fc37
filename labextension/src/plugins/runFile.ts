import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { DOMAIN } from '../domain';
import { dataSphereIcon } from '../icons';
import type { SettingsModel } from '../settings';
import { OPEN_RUN, RUN_FILE } from '../runCommands';
import { runFile as run } from '../runFile';
import { orTell } from '../telling';
import { ISettings } from '../tokens';

export const runFile: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:run-file',
  description: 'Runs notebooks of the file browser in DataSphere.',
  autoStart: true,
  requires: [ISettings],
  optional: [IFileBrowserFactory, IDocumentManager, ITranslator],
  activate: (
    { commands, serviceManager }: JupyterFrontEnd,
    settings: SettingsModel,
    browsers: IFileBrowserFactory | null,
    documents: IDocumentManager | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const selected = () => {
      const items = [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])];
      return items.filter(({ type }) => type === 'notebook').map(({ path }) => path);
    };
    commands.addCommand(RUN_FILE, {
      label: trans.__('Run in DataSphere'),
      caption: trans.__('Send the notebook to the DataSphere project, run it there and show its output in a tab.'),
      icon: dataSphereIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string', description: 'The notebook; without it those selected in the file browser.' },
          },
        },
      },
      isVisible: ({ path }) => typeof path === 'string' || selected().length > 0,
      execute: async ({ path }) => {
        for (const one of typeof path === 'string' ? [path] : selected()) {
          await orTell(trans.__('%1 could not be run in DataSphere', one), trans, async () => {
            const execution = await run(one, serviceManager.contents, documents, settings.now, trans);
            if (execution !== undefined) {
              await commands.execute(OPEN_RUN, { id: execution.id });
            }
          });
        }
      },
    });
  },
};
