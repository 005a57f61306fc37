import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

/** What the user has set; `schema/plugin.json` says what each means, and what holds where nothing is set. */
export interface Settings {
  /** Empty: the service's own. */
  readonly defaultSpec: string;
  /** Empty: the best that the project can use. */
  readonly defaultChannel: string;
  /** Units above which is asked first; null: nothing is asked. */
  readonly confirmAbove: number | null;
  /** Seconds after which a run is a long one, whose end is told. */
  readonly longRun: number;
  /** Which session cells share: that of `%%ds_execute`, or one of each notebook's own. */
  readonly session: 'main' | 'notebook';
  /** Whether nothing is asked while nothing of DataSphere can be seen, even where it cannot be used. */
  readonly restWhenHidden: boolean;
}

const DEFAULTS: Settings = {
  defaultSpec: '',
  defaultChannel: '',
  confirmAbove: null,
  longRun: 60,
  session: 'main',
  restWhenHidden: true,
};

/** The settings as they are now; the defaults until they have come, and where JupyterLab has none. */
export class SettingsModel {
  constructor(loading: Promise<ISettingRegistry.ISettings> | null) {
    loading?.then(
      loaded => {
        const take = () => {
          this._now = { ...DEFAULTS, ...(loaded.composite as Partial<Settings>) };
          this._changed.emit();
        };
        loaded.changed.connect(take);
        take();
      },
      (error: unknown) => console.error('DataSphere: the settings cannot be read; the defaults hold.', error)
    );
  }

  get now(): Settings {
    return this._now;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private _now = DEFAULTS;
  private readonly _changed = new Signal<this, void>(this);
}
