import type { Event, ServiceManager } from '@jupyterlab/services';
import { type ISignal, Signal } from '@lumino/signaling';

import type { State } from './api';

const EXECUTION = 'https://jupyter-datasphere/events/execution';
const CONNECTION = 'https://jupyter-datasphere/events/connection';
const PROJECT = 'https://jupyter-datasphere/events/project';
const RESOURCES = 'https://jupyter-datasphere/events/resources';

/** An execution has come to another state. */
export interface ExecutionNews {
  readonly execution_id: string;
  readonly state: State;
  readonly project_id: string;
  readonly created_at: number;
}

/** What the server extension tells on Jupyter's event bus: nobody has to ask again and again. */
export class News {
  constructor(services: ServiceManager.IManager) {
    services.events.stream.connect((_, emission) => this._take(emission));
    // Whatever was told meanwhile was not heard: those who listen look for themselves.
    services.connectionFailure.connect(() => this._missed.emit());
  }

  get execution(): ISignal<this, ExecutionNews> {
    return this._execution;
  }

  /** Where tokens come from, until when one is good, or whether DataSphere answers is not as before. */
  get connection(): ISignal<this, void> {
    return this._connection;
  }

  /** Another project is in force. */
  get project(): ISignal<this, void> {
    return this._project;
  }

  /** Communities, projects or who has access may not be as they were listed. */
  get resources(): ISignal<this, void> {
    return this._resources;
  }

  /** The Jupyter server was away: news may have been missed. */
  get missed(): ISignal<this, void> {
    return this._missed;
  }

  private _take(emission: Event.Emission): void {
    if (emission.schema_id === EXECUTION) {
      this._execution.emit(emission as unknown as ExecutionNews);
    } else if (emission.schema_id === CONNECTION) {
      this._connection.emit();
    } else if (emission.schema_id === PROJECT) {
      this._project.emit();
    } else if (emission.schema_id === RESOURCES) {
      this._resources.emit();
    }
  }

  private readonly _execution = new Signal<this, ExecutionNews>(this);
  private readonly _connection = new Signal<this, void>(this);
  private readonly _project = new Signal<this, void>(this);
  private readonly _resources = new Signal<this, void>(this);
  private readonly _missed = new Signal<this, void>(this);
}
