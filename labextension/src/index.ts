import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { announcements } from './plugins/announcements';
import { commands } from './plugins/commands';
import { connection } from './plugins/connection';
import { news } from './plugins/news';
import { sidebar } from './plugins/sidebar';
import { status } from './plugins/status';
import { statusBar } from './plugins/statusBar';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  news,
  status,
  statusBar,
  announcements,
  commands,
  sidebar,
  connection,
];

export default plugins;
export { INews, ISidebar, IStatusModel } from './tokens';
