import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { AccessModel } from './access';
import { ask } from './components/form';
import { differenceOf, memberForm } from './components/memberForm';
import { takeForm } from './components/takeForm';
import { show, tell } from './doing';
import { type Difference, type Member, MembersChangedError, type Target, TYPES } from './members';
import type { ISidebar } from './tokens';
import { visible } from './visible';

export const SHOW_MEMBERS = 'datasphere:show-members';
export const GIVE_ROLE = 'datasphere:give-role';
export const CHANGE_ROLE = 'datasphere:change-role';
export const TAKE_ROLE = 'datasphere:take-role';

/** Register the commands for members: what is to be changed is shown before it is. */
export function addAccessCommands(
  { commands }: JupyterFrontEnd,
  model: AccessModel,
  sidebar: ISidebar,
  trans: TranslationBundle
): void {
  /** What is shown now. */
  const shown = async (): Promise<{ target: Target; members: readonly Member[] }> => {
    await model.found();
    if (model.members.target === null) {
      await model.show('project');
    }
    if (model.members.members === null) {
      await model.members.refresh();
    }
    const { target, members, problem } = model.members;
    if (target === null || members === null) {
      throw new Error(model.problem?.title ?? problem?.title ?? trans.__('The members are not known.'));
    }
    return { target, members };
  };
  const memberAmong = (members: readonly Member[], args: ReadonlyPartialJSONObject): Member => {
    const found = members.find(one => one.role === args.role && one.subject === args.subject && one.type === args.type);
    if (found === undefined) {
      throw new Error(trans.__('There is no such role here.'));
    }
    return found;
  };
  const make = async (target: Target, members: readonly Member[], difference: Difference) => {
    const name = visible(target.name || target.id);
    const failed = trans.__('The members of %1 were not changed', name);
    const work = model.members.change(target, members, difference).catch((error: unknown) => {
      throw error instanceof MembersChangedError
        ? new Error(trans.__('Somebody else has changed them meanwhile. Look at them, and try again.'))
        : error;
    });
    await show(
      work,
      {
        doing: trans.__('The members of %1 are being changed.', name),
        done: trans.__('The members of %1 were changed.', name),
        failed,
      },
      trans
    );
  };
  const add = (
    id: string,
    label: string,
    properties: ReadonlyJSONObject,
    work: (args: ReadonlyPartialJSONObject) => Promise<void>
  ) =>
    commands.addCommand(id, {
      label,
      describedBy: { args: { type: 'object', properties } },
      execute: async args => {
        try {
          await work(args);
        } catch (error) {
          await tell(trans.__('That cannot be shown'), error, trans);
        }
      },
    });

  add(SHOW_MEMBERS, trans.__('Members and roles'), resourceArguments(trans), async ({ project, community }) => {
    sidebar.open('access');
    if (typeof community === 'string') {
      await model.show('community', community);
    } else {
      await model.show('project', typeof project === 'string' ? project : undefined);
    }
  });
  add(GIVE_ROLE, trans.__('Give a role…'), {}, async () => {
    const { target, members } = await shown();
    const title = trans.__('Give a role in %1', visible(target.name || target.id));
    const form = memberForm(target, members, null, trans);
    const member = await ask(title, form, { label: trans.__('Give the role') }, trans);
    if (member !== null) {
      await make(target, members, differenceOf(member, null));
    }
  });
  add(CHANGE_ROLE, trans.__('Change the role…'), memberArguments(trans), async args => {
    const { target, members } = await shown();
    const before = memberAmong(members, args);
    const title = trans.__('Change a role in %1', visible(target.name || target.id));
    const form = memberForm(target, members, before, trans);
    const after = await ask(title, form, { label: trans.__('Change the role') }, trans);
    if (after !== null) {
      await make(target, members, differenceOf(after, before));
    }
  });
  add(TAKE_ROLE, trans.__('Take the role…'), memberArguments(trans), async args => {
    const { target, members } = await shown();
    const member = memberAmong(members, args);
    const title = trans.__('Take a role in %1', visible(target.name || target.id));
    const form = takeForm(target, members, member, trans);
    const accept = { label: trans.__('Take the role'), displayType: 'warn' } as const;
    if ((await ask(title, form, accept, trans)) !== null) {
      await make(target, members, { give: [], take: [member] });
    }
  });
}

function resourceArguments(trans: TranslationBundle): ReadonlyJSONObject {
  return {
    project: { type: 'string', description: trans.__('ID of the project; without it the one in force.') },
    community: { type: 'string', description: trans.__('ID of the community that is meant instead.') },
  };
}

function memberArguments(trans: TranslationBundle): ReadonlyJSONObject {
  return {
    role: { type: 'string', description: trans.__('The whole ID of the role.') },
    subject: { type: 'string', description: trans.__('The ID of who has it.') },
    type: { type: 'string', enum: TYPES },
  };
}
