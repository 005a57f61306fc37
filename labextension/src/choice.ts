import { type ISignal, Signal } from '@lumino/signaling';

import type { Project, ProjectInForce } from './api';
import type { News } from './news';
import { request } from './request';
import type { CommunityEntry } from './resources';

/** Which project those get who name none, and whether that was chosen in a sidebar; the server extension keeps it. */
export class ChoiceModel {
  constructor(news: News) {
    const outdated = () => {
      if (this._inForce !== null) {
        void this.refresh();
      }
    };
    news.project.connect(outdated);
    news.missed.connect(outdated);
  }

  /** Null: not known yet. */
  get inForce(): ProjectInForce | null {
    return this._inForce;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Ask the server extension, which asks nobody. Never rejects: the status tells what is wrong with it. */
  async refresh(): Promise<void> {
    try {
      this._take(await request('get', '/datasphere/project', {}));
    } catch {
      this._take(null);
    }
  }

  /** Choose a project, by its ID; null: again that of the settings. Rejects with a `RequestError`. */
  async choose(project: string | null): Promise<void> {
    this._take(await request('put', '/datasphere/project', { body: project === null ? {} : { project } }));
  }

  private _take(inForce: ProjectInForce | null): void {
    this._inForce = inForce;
    this._changed.emit();
  }

  private _inForce: ProjectInForce | null = null;
  private readonly _changed = new Signal<this, void>(this);
}

/** The project in force among those that are listed: settings may give a name where others give the ID. */
export function listedOne(
  inForce: ProjectInForce | null,
  entries: readonly CommunityEntry[]
): Project | undefined {
  const named = inForce?.project?.id;
  if (named === undefined) {
    return undefined;
  }
  const listed = entries.flatMap(({ projects }) => projects ?? []);
  return listed.find(({ id }) => id === named) ?? listed.find(({ name }) => name === named);
}
