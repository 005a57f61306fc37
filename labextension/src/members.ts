import { type ISignal, Signal } from '@lumino/signaling';

import type { AccessBinding, Problem } from './api';
import type { News } from './news';
import { change } from './operations';
import { problemOf, request } from './request';

/** As many as the service gives in one page. */
const PAGE = 1000;

export type Kind = 'project' | 'community';
export type Level = 'viewer' | 'developer' | 'editor' | 'admin';
/** Each may do what the ones before may. */
export const LEVELS: readonly Level[] = ['viewer', 'developer', 'editor', 'admin'];
export const PREFIXES: Readonly<Record<Kind, string>> = {
  project: 'datasphere.community-projects',
  community: 'datasphere.communities',
};
export const TYPES = ['userAccount', 'serviceAccount', 'federatedUser', 'system'] as const;

/** What has members. */
export interface Target {
  readonly kind: Kind;
  readonly id: string;
  readonly name: string;
}

/** A role that a subject has. */
export interface Member {
  readonly role: string;
  readonly subject: string;
  readonly type: string;
}

/** What is to be different: roles to give and to take. */
export interface Difference {
  readonly give: readonly Member[];
  readonly take: readonly Member[];
}

export function keyOf({ role, subject, type }: Member): string {
  return `${role} ${type} ${subject}`;
}

/** "viewer" for a role in what has it; any other one whole: a community gives roles in its projects, too. */
export function short(role: string, kind: Kind): string {
  const level = role.slice(PREFIXES[kind].length + 1);
  return role.startsWith(`${PREFIXES[kind]}.`) && (LEVELS as readonly string[]).includes(level) ? level : role;
}

/** The roles that a resource of that kind can give, its own first. */
export function rolesOf(kind: Kind): string[] {
  const own = LEVELS.map(level => `${PREFIXES[kind]}.${level}`);
  return kind === 'project' ? own : [...own, ...LEVELS.map(level => `${PREFIXES.project}.${level}`)];
}

/** Somebody else has changed the members since they were shown; nothing was changed. */
export class MembersChangedError extends Error {}

/** Whether access can be managed there by nobody of these any more, once that is taken. */
export function lastAdmin(members: readonly Member[], { give, take }: Difference, kind: Kind): boolean {
  const admin = `${PREFIXES[kind]}.admin`;
  const taken = new Set(take.map(keyOf));
  const left = [...members.filter(member => !taken.has(keyOf(member))), ...give];
  return take.some(({ role }) => role === admin) && !left.some(({ role }) => role === admin);
}

/** The roles that one project or community gives itself. They are asked for when somebody looks. */
export class MembersModel {
  constructor(news: News) {
    const outdated = () => {
      this._stale = true;
      if (this._looking) {
        void this.refresh();
      }
    };
    news.resources.connect(outdated);
    news.missed.connect(outdated);
    news.connection.connect(outdated);
  }

  get target(): Target | null {
    return this._target;
  }

  /** Null: not known yet, or not to be had. */
  get members(): readonly Member[] | null {
    return this._members;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whose members are meant from now on. */
  show(target: Target): void {
    const another = target.id !== this._target?.id;
    this._target = target;
    if (another) {
      this._members = null;
      this._problem = null;
      this._stale = true;
    }
    this._changed.emit();
    if (this._looking && this._stale) {
      void this.refresh();
    }
  }

  /** Whether somebody looks. */
  look(looking: boolean): void {
    this._looking = looking;
    if (looking && this._stale) {
      void this.refresh();
    }
  }

  /** Never rejects: what went wrong is in `problem`. */
  async refresh(): Promise<void> {
    const target = this._target;
    if (target === null) {
      return;
    }
    this._stale = false;
    try {
      const members = await membersOf(target);
      if (this._target?.id === target.id) {
        this._take(members, null);
      }
    } catch (error) {
      if (this._target?.id === target.id) {
        this._stale = true; // the next look tries again
        this._take(null, problemOf(error));
      }
    }
  }

  /**
   * Make a difference that was shown to the user, where the members still are those to which it was shown.
   * Rejects with a `MembersChangedError` or a `RequestError`.
   */
  async change(target: Target, expected: readonly Member[], { give, take }: Difference): Promise<void> {
    const now = await membersOf(target);
    if (!same(now, expected)) {
      this._take(now, null);
      throw new MembersChangedError();
    }
    const accessBindingDeltas = [
      ...give.map(member => ({ action: 'ADD' as const, accessBinding: bindingOf(member) })),
      ...take.map(member => ({ action: 'REMOVE' as const, accessBinding: bindingOf(member) })),
    ];
    const body = { accessBindingDeltas };
    await change(key =>
      target.kind === 'project'
        ? request('patch', '/datasphere/api/v2/projects/{projectId}:updateAccessBindings', {
            path: { projectId: target.id },
            body,
            key,
          })
        : request('patch', '/datasphere/api/v2/communities/{communityId}:updateAccessBindings', {
            path: { communityId: target.id },
            body,
            key,
          })
    );
    await this.refresh();
  }

  private _take(members: readonly Member[] | null, problem: Problem | null): void {
    this._members = members;
    this._problem = problem;
    this._changed.emit();
  }

  private _target: Target | null = null;
  private _members: readonly Member[] | null = null;
  private _problem: Problem | null = null;
  private _stale = true;
  private _looking = false;
  private readonly _changed = new Signal<this, void>(this);
}

async function membersOf({ kind, id }: Target): Promise<Member[]> {
  const found: Member[] = [];
  let pageToken = '';
  do {
    const query = pageToken === '' ? { pageSize: PAGE } : { pageSize: PAGE, pageToken };
    const page =
      kind === 'project'
        ? await request('get', '/datasphere/api/v2/projects/{projectId}:accessBindings', {
            path: { projectId: id },
            query,
          })
        : await request('get', '/datasphere/api/v2/communities/{communityId}:accessBindings', {
            path: { communityId: id },
            query,
          });
    found.push(...(page.accessBindings ?? []).map(memberOf));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return found;
}

function memberOf({ roleId, subject }: AccessBinding): Member {
  return { role: roleId, subject: subject.id, type: subject.type };
}

function bindingOf({ role, subject, type }: Member): AccessBinding {
  return { roleId: role, subject: { id: subject, type } };
}

function same(some: readonly Member[], others: readonly Member[]): boolean {
  const keys = new Set(some.map(keyOf));
  return some.length === others.length && others.every(member => keys.has(keyOf(member)));
}
