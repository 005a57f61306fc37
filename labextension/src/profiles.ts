import { type ISignal, Signal } from '@lumino/signaling';

import type { Profiles } from './api';
import { request } from './request';

/** The named credentials of the server, and which are in force. */
export class ProfilesModel {
  /** Null: not known. */
  get profiles(): Profiles | null {
    return this._profiles;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Ask the server extension, which asks nobody. Never rejects: the status tells what is wrong with it. */
  async refresh(): Promise<void> {
    this._profiles = await request('get', '/datasphere/profile', {}).catch(() => null);
    this._changed.emit();
  }

  /** Choose one for all of the server; null: the one that it began with. Rejects with a `RequestError`. */
  async choose(name: string | null): Promise<void> {
    try {
      this._profiles = await request('put', '/datasphere/profile', { body: name === null ? {} : { name } });
    } finally {
      this._changed.emit(); // also where it was refused: what is shown is what holds
    }
  }

  private _profiles: Profiles | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
