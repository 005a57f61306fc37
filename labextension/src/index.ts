import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { access } from './plugins/access';
import { announcements } from './plugins/announcements';
import { commands } from './plugins/commands';
import { connection } from './plugins/connection';
import { news } from './plugins/news';
import { projects } from './plugins/projects';
import { settings } from './plugins/settings';
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
  projects,
  access,
  settings,
];

export default plugins;
export { INews, ISettings, ISidebar, IStatusModel } from './tokens';
