import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { ChoiceModel } from './choice';
import { deleteForm } from './components/deleteForm';
import { ask } from './components/form';
import { projectForm } from './components/projectForm';
import { renameForm } from './components/renameForm';
import { unitsForm, unitsTyped } from './components/unitsForm';
import { show, tell } from './doing';
import { openingPage, request } from './request';
import type { ResourcesModel } from './resources';
import type { IStatusModel } from './tokens';
import { visible } from './visible';

export const USE_PROJECT = 'datasphere:use-project';
export const USE_CONFIGURED = 'datasphere:use-configured-project';
export const OPEN_PROJECT = 'datasphere:open-project';
export const CREATE_PROJECT = 'datasphere:create-project';
export const RENAME_PROJECT = 'datasphere:rename-project';
export const DELETE_PROJECT = 'datasphere:delete-project';
export const SET_UNITS = 'datasphere:set-project-units';
export const COPY_ID = 'datasphere:copy-id';

/** What the commands work on. */
export interface Projects {
  readonly resources: ResourcesModel;
  readonly choice: ChoiceModel;
  readonly status: IStatusModel;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Register the commands for projects; each tells the user where it fails. */
export function addProjectCommands(
  { commands }: JupyterFrontEnd,
  { resources, choice, status }: Projects,
  trans: TranslationBundle
): void {
  /** The project of the arguments, or the one in force. Rejects where there is none. */
  const wanted = async (args: ReadonlyPartialJSONObject): Promise<Named> => {
    const { project } = args;
    if (typeof project !== 'string' || project === '') {
      const { id, name } = await request('get', '/datasphere/projects/find', {});
      return { id, name };
    }
    const known =
      resources.find(project) ??
      (await request('get', '/datasphere/api/v2/projects/{projectId}', { path: { projectId: project } }));
    return { id: known.id, name: known.name ?? '' };
  };
  const add = (
    id: string,
    failed: string,
    work: (args: ReadonlyPartialJSONObject) => Promise<unknown>,
    options: Omit<CommandRegistry.ICommandOptions, 'execute' | 'describedBy'>
  ) =>
    commands.addCommand(id, {
      ...options,
      describedBy: { args: argumentsIn(trans) },
      execute: async args => {
        try {
          await work(args);
        } catch (error) {
          await tell(failed, error, trans);
        }
      },
    });

  add(
    USE_PROJECT,
    trans.__('The project could not be chosen'),
    async args => choice.choose((await wanted(args)).id),
    {
      label: trans.__('Use this project'),
      caption: trans.__('Magics, buttons and panels that name no project use it from now on.'),
    }
  );
  add(USE_CONFIGURED, trans.__('The choice could not be undone'), () => choice.choose(null), {
    label: trans.__('Use the configured DataSphere project'),
    caption: trans.__('Undo the choice: the project of the server’s settings is in force again.'),
    isEnabled: () => choice.inForce?.chosen === true,
  });
  add(
    OPEN_PROJECT,
    trans.__('The project could not be opened'),
    async args => {
      const { id } = await wanted(args);
      window.open(openingPage(id), '_blank', 'noopener');
    },
    {
      label: trans.__('Open the project in DataSphere'),
      caption: trans.__('Open it in a new tab of the browser, once you have confirmed it there.'),
    }
  );
  add(
    CREATE_PROJECT,
    trans.__('The project could not be created'),
    async ({ community }) => {
      if (resources.entries.length === 0) {
        await resources.refresh();
      }
      const communities = resources.entries.map(entry => entry.community);
      const first = communities.find(({ id }) => id === community) ?? communities[0];
      if (first === undefined) {
        throw new Error(trans.__('There is no community in which to create it.'));
      }
      const form = projectForm(communities, first.id, trans);
      const project = await ask(
        trans.__('Create a project'),
        form,
        { label: trans.__('Create') },
        trans
      );
      if (project === null) {
        return;
      }
      let id = '';
      const creating = resources
        .createProject(project.community, project.name, project.description)
        .then(made => {
          id = made;
        });
      await show(
        creating,
        {
          doing: trans.__('Project %1 is being created.', project.name),
          done: trans.__('Project %1 was created.', project.name),
          failed: trans.__('The project could not be created'),
          actions: [
            {
              label: trans.__('Use this project'),
              callback: () => void commands.execute(USE_PROJECT, { project: id }),
            },
          ],
        },
        trans
      );
    },
    { label: trans.__('Create a DataSphere project…') }
  );
  add(
    RENAME_PROJECT,
    trans.__('The project could not be renamed'),
    async args => {
      const { id, name } = await wanted(args);
      const title = trans.__('Rename %1', visible(name || id));
      const entered = await ask(title, renameForm(name, trans), { label: trans.__('Rename') }, trans);
      if (entered !== null && entered.name !== name) {
        await show(
          resources.renameProject(id, entered.name),
          {
            doing: trans.__('Project %1 is being renamed.', visible(name || id)),
            done: trans.__('Project %1 is now called %2.', visible(name || id), entered.name),
            failed: trans.__('The project could not be renamed'),
          },
          trans
        );
      }
    },
    { label: trans.__('Rename…') }
  );
  add(
    DELETE_PROJECT,
    trans.__('The project could not be deleted'),
    async args => {
      const { id, name } = await wanted(args);
      const called = name || id;
      const inForce = status.snapshot.status?.project?.id === id;
      const entered = await ask(
        trans.__('Delete %1?', visible(called)),
        deleteForm(called, inForce, trans),
        { label: trans.__('Delete'), displayType: 'warn' },
        trans
      );
      if (entered?.typed === called) {
        await show(
          resources.deleteProject(id),
          {
            doing: trans.__('Project %1 is being deleted.', visible(called)),
            done: trans.__('Project %1 was deleted.', visible(called)),
            failed: trans.__('The project could not be deleted'),
          },
          trans
        );
      }
    },
    { label: trans.__('Delete…') }
  );
  add(
    SET_UNITS,
    trans.__('The units could not be set'),
    async args => {
      const { id, name } = await wanted(args);
      const before = await resources.units(id);
      const title = trans.__('Units of %1', visible(name || id));
      const typed = await ask(title, unitsForm(before, trans), { label: trans.__('Set') }, trans);
      if (typed !== null) {
        await show(
          resources.setUnits(id, before, unitsTyped(typed, before)),
          {
            doing: trans.__('The units of %1 are being set.', visible(name || id)),
            done: trans.__('The units of %1 are set.', visible(name || id)),
            failed: trans.__('The units could not be set'),
          },
          trans
        );
      }
    },
    { label: trans.__('Units and limits…') }
  );
  add(
    COPY_ID,
    trans.__('The ID could not be copied'),
    async args => Clipboard.copyToSystem((await wanted(args)).id),
    { label: trans.__('Copy the ID') }
  );
}

function argumentsIn(trans: TranslationBundle): ReadonlyJSONObject {
  return {
    type: 'object',
    properties: {
      project: { type: 'string', description: trans.__('ID of the project; without it the one in force.') },
      community: { type: 'string', description: trans.__('ID of the community, for a project that is created.') },
    },
  };
}
