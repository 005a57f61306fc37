import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Following } from '../following';
import type { News } from '../news';
import { RunsModel } from '../runs';
import { INews, IRuns } from '../tokens';

export const runs: JupyterFrontEndPlugin<IRuns> = {
  id: 'jupyter-datasphere:runs',
  description: 'Keeps the list of executions, and follows those that somebody looks at.',
  autoStart: true,
  requires: [INews],
  provides: IRuns,
  activate: (_app, news: News) => {
    const model = new RunsModel(news);
    const following = new Following();
    following.awayChanged.connect((_, away) => {
      if (!away && model.listed) {
        void model.refresh(); // what was told while the server was away was not heard
      }
    });
    return { model, following };
  },
};
