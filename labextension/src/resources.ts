import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Community, Problem, Project } from './api';
import type { News } from './news';
import { change, made } from './operations';
import { problemOf, request } from './request';
import type { IStatusModel } from './tokens';

/** As many as the service gives in one page. */
const PAGE = 1000;
/** So many communities' projects are asked for at the same time: a browser has six connections to a server. */
const AT_ONCE = 3;

/** A community with what is known of its projects. */
export interface CommunityEntry {
  readonly community: Community;
  /** In the service's order; null: they have not come yet. */
  readonly projects: readonly Project[] | null;
  /** Why they could not be listed when that was last tried. */
  readonly problem: Problem | null;
}

/** Units that a project has left and may spend; null: no limit. */
export interface Units {
  readonly balance: string | null;
  readonly perHour: string | null;
  readonly perRun: string | null;
}

/**
 * The communities and projects that this account may see. They are listed when somebody looks, and again, while
 * somebody looks, when the bus tells of a change.
 */
export class ResourcesModel implements IDisposable {
  constructor(status: IStatusModel, news: News) {
    this._status = status;
    const outdated = () => this._outdate();
    news.resources.connect(outdated);
    news.missed.connect(outdated);
    news.connection.connect(outdated);
  }

  get entries(): readonly CommunityEntry[] {
    return this._entries;
  }

  /** Why the communities could not be listed when that was last tried. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Neither an organization nor a community is set, nor a project in force: there is nowhere to look. */
  get nowhere(): boolean {
    return this._nowhere;
  }

  get loading(): boolean {
    return this._loading !== null;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Somebody looks, until what this gives is disposed of. */
  look(): IDisposable {
    this._lookers += 1;
    if (this._stale) {
      void this.refresh();
    }
    return new DisposableDelegate(() => {
      this._lookers -= 1;
    });
  }

  /** List all anew. Never rejects: what went wrong is in `problem` and in the entries. */
  refresh(): Promise<void> {
    if (this._loading !== null) {
      this._again = true; // what is under way may have been asked before the change
      return this._loading;
    }
    this._loading = this._untilCurrent().finally(() => {
      this._loading = null;
      this._changed.emit();
    });
    this._changed.emit();
    return this._loading;
  }

  find(projectId: string): Project | undefined {
    for (const { projects } of this._entries) {
      const found = projects?.find(({ id }) => id === projectId);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** Gives the new project's ID. Rejects with a `RequestError`, as the others do. */
  async createProject(communityId: string, name: string, description: string): Promise<string> {
    const operation = await change(key =>
      request('post', '/datasphere/api/v2/projects', { body: { communityId, name, description }, key })
    );
    return made(operation, 'projectId');
  }

  async renameProject(projectId: string, name: string): Promise<void> {
    await change(key =>
      request('patch', '/datasphere/api/v2/projects/{projectId}', {
        path: { projectId },
        body: { updateMask: 'name', name },
        key,
      })
    );
  }

  async deleteProject(projectId: string): Promise<void> {
    await change(key =>
      request('delete', '/datasphere/api/v2/projects/{projectId}', { path: { projectId }, key })
    );
  }

  /** What is left, and what may be spent; the balance is missing where this account may not see it. */
  async units(projectId: string): Promise<Omit<Units, 'balance'> & Partial<Units>> {
    const [balance, { limits }] = await Promise.all([this._balance(projectId), this._project(projectId)]);
    return {
      ...balance,
      perHour: text(limits?.maxUnitsPerHour),
      perRun: text(limits?.maxUnitsPerExecution),
    };
  }

  /** Set those that are not as before. */
  async setUnits(projectId: string, before: Partial<Units>, after: Partial<Units>): Promise<void> {
    const path = { projectId };
    if (after.balance !== undefined && after.balance !== before.balance) {
      const body = after.balance === null ? {} : { unitBalance: after.balance };
      await change(key =>
        request('post', '/datasphere/api/v2/projects/{projectId}:unitBalance', { path, body, key })
      );
    }
    const mask: string[] = [];
    const limits: { maxUnitsPerHour?: string; maxUnitsPerExecution?: string } = {};
    for (const [field, name] of [
      ['perHour', 'maxUnitsPerHour'],
      ['perRun', 'maxUnitsPerExecution'],
    ] as const) {
      const value = after[field];
      if (value !== undefined && value !== before[field]) {
        mask.push(`limits.${name}`);
        if (value !== null) {
          limits[name] = value;
        }
      }
    }
    if (mask.length > 0) {
      const body = { updateMask: mask.join(','), limits };
      await change(key => request('patch', '/datasphere/api/v2/projects/{projectId}', { path, body, key }));
    }
  }

  /** One that is not there any more was deleted elsewhere: the list, which says otherwise, is an old one. */
  private async _project(projectId: string): Promise<Project> {
    try {
      return await request('get', '/datasphere/api/v2/projects/{projectId}', { path: { projectId } });
    } catch (error) {
      if (problemOf(error).code === 'not-found' && !this._gone.has(projectId)) {
        this._gone.add(projectId); // once: a service that goes on listing it is not asked again and again
        this._outdate();
      }
      throw error;
    }
  }

  private async _balance(projectId: string): Promise<Partial<Units>> {
    try {
      const { unitBalance } = await request('get', '/datasphere/api/v2/projects/{projectId}:unitBalance', {
        path: { projectId },
      });
      return { balance: text(unitBalance) };
    } catch (error) {
      if (problemOf(error).code === 'permission-denied') {
        return {}; // who may run code there need not see what is left
      }
      throw error;
    }
  }

  private _outdate(): void {
    this._stale = true;
    if (this._lookers > 0) {
      void this.refresh();
    }
  }

  private async _untilCurrent(): Promise<void> {
    do {
      await this._refresh();
    } while (this._again);
  }

  private async _refresh(): Promise<void> {
    this._again = false;
    this._stale = false;
    try {
      const communities = await this._communities();
      const known = new Map(this._entries.map(entry => [entry.community.id, entry]));
      this._entries = communities.map(community => ({
        projects: known.get(community.id)?.projects ?? null,
        problem: null,
        community,
      }));
      this._problem = null;
      this._changed.emit();
      await this._projects();
    } catch (error) {
      this._problem = problemOf(error);
      this._stale = true; // the next look tries again
    }
  }

  private async _communities(): Promise<Community[]> {
    let { status } = this._status.snapshot;
    status ??= await request('get', '/datasphere/status', { query: { check: 'false' } });
    this._nowhere = false;
    const { organization, community } = status;
    if (organization !== undefined && organization !== '') {
      const found: Community[] = [];
      let pageToken: string | undefined;
      do {
        const page = await request('get', '/datasphere/api/v2/communities', {
          query: { organizationId: organization, pageSize: PAGE, ...(pageToken && { pageToken }) },
        });
        found.push(...(page.communities ?? []));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined && pageToken !== '');
      return found;
    }
    if (community !== undefined && community !== '') {
      return [await this._community(community)];
    }
    if (status.project === undefined) {
      this._nowhere = true;
      return [];
    }
    // At least that of the project in force.
    const { community_id } = await request('get', '/datasphere/projects/find', {
      query: { project: status.project.id },
    });
    return community_id === undefined ? [] : [await this._community(community_id)];
  }

  private _community(communityId: string): Promise<Community> {
    return request('get', '/datasphere/api/v2/communities/{communityId}', { path: { communityId } });
  }

  /** Of all communities, some at a time; each is shown when it has come. */
  private async _projects(): Promise<void> {
    const waiting = this._entries.map(({ community }) => community.id);
    const worker = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        try {
          this._put(id, { projects: await this._projectsOf(id), problem: null });
        } catch (error) {
          this._put(id, { problem: problemOf(error) });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async _projectsOf(communityId: string): Promise<Project[]> {
    const found: Project[] = [];
    let pageToken: string | undefined;
    do {
      const page = await request('get', '/datasphere/api/v2/projects', {
        query: { communityId, pageSize: PAGE, ...(pageToken && { pageToken }) },
      });
      found.push(...(page.projects ?? []));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && pageToken !== '');
    return found;
  }

  private _put(communityId: string, change: Partial<CommunityEntry>): void {
    this._entries = this._entries.map(entry =>
      entry.community.id === communityId ? { ...entry, ...change } : entry
    );
    this._changed.emit();
  }

  private readonly _status: IStatusModel;
  private _entries: readonly CommunityEntry[] = [];
  private _problem: Problem | null = null;
  private _nowhere = false;
  private _loading: Promise<void> | null = null;
  private _again = false;
  private _stale = true;
  private _lookers = 0;
  private readonly _gone = new Set<string>();
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}

/** An Int64 as the API gives it; null where it is not set. */
function text(value: string | number | undefined): string | null {
  return value === undefined ? null : String(value);
}
