import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ChoiceModel } from '../choice';
import { CATEGORY } from '../commands';
import { ProjectsSection } from '../components/projects';
import { DOMAIN } from '../domain';
import type { News } from '../news';
import { addProjectCommands, CREATE_PROJECT, OPEN_PROJECT, USE_CONFIGURED } from '../projectCommands';
import { ResourcesModel } from '../resources';
import { INews, ISidebar, IStatusModel } from '../tokens';

/** Shows the projects, with the keyboard in their search. */
export const CHOOSE_PROJECT = 'datasphere:choose-project';

export const projects: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:projects',
  description: 'The section of the sidebar for communities and projects, and the commands for them.',
  autoStart: true,
  requires: [ISidebar, IStatusModel, INews],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    status: IStatusModel,
    news: News,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const all = { resources: new ResourcesModel(status, news), choice: new ChoiceModel(news), status };
    const widget = new ProjectsSection(all, app.commands, trans);
    sidebar.addSection({ id: 'projects', title: trans.__('Projects'), rank: 20, widget, unfolded: true });
    addProjectCommands(app, all, trans);
    app.commands.addCommand(CHOOSE_PROJECT, {
      label: trans.__('Choose the DataSphere project…'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => sidebar.open('projects', () => widget.search()),
    });
    for (const command of [CHOOSE_PROJECT, OPEN_PROJECT, CREATE_PROJECT, USE_CONFIGURED]) {
      palette?.addItem({ command, category: CATEGORY });
    }
  },
};
