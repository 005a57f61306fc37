import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { StatusModel } from '../model';
import type { News } from '../news';
import { request } from '../request';
import type { SettingsModel } from '../settings';
import { INews, ISettings, IStatusModel } from '../tokens';

export const status: JupyterFrontEndPlugin<IStatusModel> = {
  id: 'jupyter-datasphere:status',
  description: 'Keeps what is known of the server extension, the connection to DataSphere and the project.',
  autoStart: true,
  requires: [INews, ISettings],
  provides: IStatusModel,
  activate: (_app, news: News, settings: SettingsModel) =>
    new StatusModel(
      check => request('get', '/datasphere/status', check ? {} : { query: { check: 'false' } }),
      news,
      () => settings.now.restWhenHidden
    ),
};
