import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { AccessModel } from '../access';
import { addAccessCommands, SHOW_MEMBERS } from '../accessCommands';
import { CATEGORY } from '../commands';
import { AccessSection } from '../components/access';
import { DOMAIN } from '../domain';
import type { News } from '../news';
import { INews, ISidebar } from '../tokens';

export const access: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:access',
  description: 'The section of the sidebar for the members of a project or community, and the commands for them.',
  autoStart: true,
  requires: [ISidebar, INews],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    news: News,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const model = new AccessModel(news);
    const widget = new AccessSection(model, app.commands, trans);
    sidebar.addSection({ id: 'access', title: trans.__('Access'), rank: 40, widget });
    addAccessCommands(app, model, sidebar, trans);
    palette?.addItem({ command: SHOW_MEMBERS, category: CATEGORY });
  },
};
