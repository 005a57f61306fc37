import type { Toolbar } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { Problem, ServerStatus } from './api';
import type { Following } from './following';
import type { News } from './news';
import type { SettingsModel } from './settings';
import type { RunsModel } from './runs';

/** How things stand between this page, the server extension and DataSphere. */
export type Health =
  /** Nothing was answered yet. */
  | { readonly kind: 'starting' }
  /** The Jupyter server has no server extension, or it is disabled. */
  | { readonly kind: 'missing' }
  /** The server extension is of another version than this front end. */
  | { readonly kind: 'other-version'; readonly version: string }
  /** The server extension does not answer as it should. */
  | { readonly kind: 'unreachable'; readonly problem: Problem }
  /** The server extension is there; whether DataSphere answers was not asked. */
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'ok' }
  /** DataSphere could not be used when it was last asked. */
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What is known now. */
export interface Snapshot {
  readonly health: Health;
  /** The newest answer of the server extension. */
  readonly status: ServerStatus | null;
  /** The newest answer for which DataSphere was asked, too. */
  readonly checked: ServerStatus | null;
  /** DataSphere is being asked. */
  readonly checking: boolean;
}

/** What shows how things stand, as a widget does. */
export interface Viewer {
  readonly isVisible: boolean;
}

export interface IStatusModel {
  readonly snapshot: Snapshot;
  readonly changed: ISignal<IStatusModel, Snapshot>;
  /** While this can be seen and DataSphere cannot be used, it is asked again and again until it can. */
  shownBy(viewer: Viewer): void;
  /** Ask DataSphere itself. Never rejects: what went wrong is in the snapshot. */
  check(): Promise<void>;
}

export const IStatusModel = new Token<IStatusModel>(
  'jupyter-datasphere:IStatusModel',
  'What is known of the server extension, the connection to DataSphere and the project in force.'
);

export const INews = new Token<News>(
  'jupyter-datasphere:INews',
  'What the server extension tells on Jupyter’s event bus.'
);

/** A part of the sidebar. */
export interface Section {
  /** Names the section in commands and in the page. */
  readonly id: string;
  readonly title: string;
  /** Lower ones are further up: Connection 10, Projects 20, Runs 30, Access 40. */
  readonly rank: number;
  /**
   * What is in it; its own `toolbar`, where it has one, is shown beside the title. It is hidden while the section
   * is folded and while the sidebar is: it asks for what it shows when it `isVisible`, and not before.
   */
  readonly widget: Toolbar.IWidgetToolbar;
  /** Whether it begins unfolded, until the user's own choice is known. */
  readonly unfolded?: boolean;
}

export interface ISidebar {
  /** Add a section; disposing of what it gives takes the section away. */
  addSection(section: Section): IDisposable;
  /**
   * Show the sidebar; with the ID of a section, unfold that. The keyboard is put into the section's title, or where
   * `focus` puts it.
   */
  open(section?: string, focus?: () => void): void;
}

export const ISidebar = new Token<ISidebar>(
  'jupyter-datasphere:ISidebar',
  'The sidebar of DataSphere, to which sections can be added.'
);

export const ISettings = new Token<SettingsModel>(
  'jupyter-datasphere:ISettings',
  'The settings of DataSphere.'
);

/** The executions, and their events. */
export interface IRuns {
  readonly model: RunsModel;
  readonly following: Following;
}

export const IRuns = new Token<IRuns>(
  'jupyter-datasphere:IRuns',
  'The executions of this user as the ledger has them, and the events of those that somebody follows.'
);
