import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { News } from '../news';
import { INews } from '../tokens';

export const news: JupyterFrontEndPlugin<News> = {
  id: 'jupyter-datasphere:news',
  description: 'Hears on Jupyter’s event bus what the server extension tells of executions and the connection.',
  autoStart: true,
  provides: INews,
  activate: app => new News(app.serviceManager),
};
