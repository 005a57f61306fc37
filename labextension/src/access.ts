import type { Problem } from './api';
import { type Kind, MembersModel, type Target } from './members';
import type { News } from './news';
import { problemOf, request } from './request';
import { type ISignal, Signal } from '@lumino/signaling';

/** Whose members are looked at: those of a project, by itself the one in force, or of its community. */
export class AccessModel {
  constructor(news: News) {
    this.members = new MembersModel(news);
    news.project.connect(() => {
      if (!this._named && this._looking) {
        void this.show('project');
      }
    });
  }

  readonly members: MembersModel;

  get kind(): Kind {
    return this._kind;
  }

  /** Why it is not known whose members they would be. */
  get problem(): Problem | null {
    return this._problem;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether somebody looks. */
  look(looking: boolean): void {
    this._looking = looking;
    this.members.look(looking);
    if (looking && (this.members.target === null || (!this._named && this._kind === 'project'))) {
      void this.show('project');
    }
  }

  /**
   * Show the members of a project or community: of `id`, or of the one that goes with what was shown last.
   * Never rejects: what went wrong is in `problem`.
   */
  show(kind: Kind, id?: string): Promise<void> {
    this._kind = kind;
    this._named ||= id !== undefined;
    this._changed.emit();
    this._finding = this._show(kind === 'project' ? this._project(id) : this._community(id));
    return this._finding;
  }

  /** Once it is known whose members are meant. */
  async found(): Promise<void> {
    await this._finding;
  }

  private async _show(finding: Promise<Target>): Promise<void> {
    const mine = ++this._asked;
    let target: Target | null = null;
    let problem: Problem | null = null;
    try {
      target = await finding;
    } catch (error) {
      problem = problemOf(error);
    }
    if (mine !== this._asked) {
      return; // another one is meant meanwhile
    }
    this._problem = problem;
    if (target !== null) {
      this._last = target.kind === 'project' ? target.id : this._last;
      this.members.show(target);
    }
    this._changed.emit();
  }

  private async _project(named?: string): Promise<Target> {
    const project = named ?? (this._named ? this._last : undefined);
    const found = await request('get', '/datasphere/projects/find', {
      query: project === undefined ? {} : { project },
    });
    return { kind: 'project', id: found.id, name: found.name };
  }

  private async _community(named?: string): Promise<Target> {
    let id = named;
    if (id === undefined) {
      const project = this._last;
      const found = await request('get', '/datasphere/projects/find', {
        query: project === undefined ? {} : { project },
      });
      id = found.community_id ?? '';
    }
    const { name } = await request('get', '/datasphere/api/v2/communities/{communityId}', {
      path: { communityId: id },
    });
    return { kind: 'community', id, name: name ?? '' };
  }

  private _kind: Kind = 'project';
  /** Whether a project or community was named; else it is the project in force, whichever that is. */
  private _named = false;
  /** The ID of the project that was shown last. */
  private _last: string | undefined;
  private _looking = false;
  /** How often it was asked for somebody's members. */
  private _asked = 0;
  private _finding: Promise<void> | null = null;
  private _problem: Problem | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
