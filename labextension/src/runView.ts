import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { Panel } from '@lumino/widgets';

import type { Execution, Problem } from './api';
import { RunHeader } from './components/runHeader';
import { Displays } from './displays';
import { DOMAIN } from './domain';
import type { Follower, Heard } from './following';
import { OutputFeed } from './outputs';
import { problemOf } from './request';
import type { IRuns } from './tokens';
import { titleOf } from './words';

/** All that a run has put out, from its first event on, and goes on to. Not trusted until somebody says so. */
export class RunView extends Panel implements Follower {
  constructor(
    readonly executionId: string,
    private readonly _runs: IRuns,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator
  ) {
    super();
    const trans = (this._trans = translator.load(DOMAIN));
    this.addClass('jp-DataSphere-Run');
    this._outputs = new OutputAreaModel({ trusted: false });
    this._feed = new OutputFeed(this._outputs, new Displays(), executionId, trans);
    const area = new OutputArea({ model: this._outputs, rendermime, translator });
    area.addClass('jp-DataSphere-Run-outputs');
    area.node.setAttribute('role', 'region');
    area.node.setAttribute('aria-label', trans.__('Output'));
    area.node.tabIndex = 0; // so that the keyboard can scroll it
    this.addWidget(new RunHeader(this, this._runs.following, trans));
    this.addWidget(area);
    this._name();
    const look = () => this._look();
    this._runs.model.changed.connect(look);
    const stop = this._runs.following.follow(executionId, this);
    this._stop = () => {
      this._runs.model.changed.disconnect(look);
      stop();
    };
    void this._find();
  }

  /** What is known of the run; undefined until it is. */
  get execution(): Execution | undefined {
    return this._runs.model.find(this.executionId);
  }

  /** Why it cannot be shown. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** The state of the run, the problem or the trust has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get trusted(): boolean {
    return this._outputs.trusted;
  }

  /** Let scripts in the outputs run, and HTML be shown as it is. */
  trust(): void {
    this._outputs.trusted = true;
    this._changed.emit();
  }

  heard({ event }: Heard): void {
    this._feed.take(event);
    if (event.type === 'status') {
      this._runs.model.noticed(this.executionId, event.state);
    }
  }

  ended(problem: Problem | null): void {
    this._feed.flush();
    if (problem !== null) {
      this._problem = problem;
      this._changed.emit();
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._stop();
    this._feed.dispose();
    this._outputs.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  private async _find(): Promise<void> {
    try {
      await this._runs.model.get(this.executionId);
    } catch (error) {
      // A server that is away is asked for the events again; they tell, too.
      this._problem = problemOf(error);
      this._changed.emit();
    }
  }

  private _look(): void {
    const now = this.execution;
    if (now !== this._seen) {
      this._seen = now;
      this._problem = null;
      this._name();
      this._changed.emit();
    }
  }

  private _name(): void {
    const { execution } = this;
    const title = execution === undefined ? this.executionId : titleOf(execution.source, this._trans);
    this.title.label = title.length > 30 ? `${title.slice(0, 29)}…` : title;
    this.title.caption = this._trans.__('DataSphere, execution %1', this.executionId);
  }

  private readonly _trans;
  private readonly _outputs: OutputAreaModel;
  private readonly _feed: OutputFeed;
  private readonly _stop: () => void;
  private readonly _changed = new Signal<this, void>(this);
  private _seen: Execution | undefined;
  private _problem: Problem | null = null;
}
