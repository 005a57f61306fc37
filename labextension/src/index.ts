import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { announce } from './announcements';
import { addCommands, CATEGORY, OPEN_QUICKSTART } from './commands';
import { StatusItem } from './components/statusItem';
import { StatusModel } from './model';
import { News } from './news';
import { request } from './request';
import { INews, IStatusModel } from './tokens';

const DOMAIN = 'jupyter_datasphere';

const news: JupyterFrontEndPlugin<News> = {
  id: 'jupyter-datasphere:news',
  description: 'Hears on Jupyter’s event bus what the server extension tells of executions and the connection.',
  autoStart: true,
  provides: INews,
  activate: app => new News(app.serviceManager),
};

const status: JupyterFrontEndPlugin<IStatusModel> = {
  id: 'jupyter-datasphere:status',
  description: 'Keeps what is known of the server extension, the connection to DataSphere and the project.',
  autoStart: true,
  requires: [INews],
  provides: IStatusModel,
  activate: (_app, news: News) =>
    new StatusModel(
      check => request('get', '/datasphere/status', check ? {} : { query: { check: 'false' } }),
      news
    ),
};

const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:status-bar',
  description: 'Shows the project, the running executions and the connection in the status bar.',
  autoStart: true,
  requires: [IStatusModel],
  optional: [IStatusBar, ITranslator],
  activate: (_app, model: IStatusModel, bar: IStatusBar | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    bar?.registerStatusItem(statusBar.id, { item: new StatusItem(model, trans), align: 'left', rank: 10 });
  },
};

const announcements: JupyterFrontEndPlugin<void> = {
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

const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-datasphere:commands',
  description: 'Adds the DataSphere commands, and offers them in the command palette.',
  autoStart: true,
  optional: [ICommandPalette, ITranslator],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null, translator: ITranslator | null) => {
    addCommands(app, (translator ?? nullTranslator).load(DOMAIN));
    palette?.addItem({ command: OPEN_QUICKSTART, category: CATEGORY });
  },
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [news, status, statusBar, announcements, commands];

export default plugins;
export { IStatusModel } from './tokens';
