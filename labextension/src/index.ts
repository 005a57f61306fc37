import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { access } from './plugins/access';
import { announcements } from './plugins/announcements';
import { commands } from './plugins/commands';
import { connection } from './plugins/connection';
import { longRuns } from './plugins/longRuns';
import { news } from './plugins/news';
import { projects } from './plugins/projects';
import { settings } from './plugins/settings';
import { notebook } from './plugins/notebook';
import { runFile } from './plugins/runFile';
import { runs } from './plugins/runs';
import { runsSection } from './plugins/runsSection';
import { runTabs } from './plugins/runTabs';
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
  runs,
  runTabs,
  runsSection,
  notebook,
  runFile,
  longRuns,
];

export default plugins;
export { INews, IRuns, ISettings, ISidebar, IStatusModel } from './tokens';
