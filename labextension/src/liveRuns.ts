import { type ISignal, Signal } from '@lumino/signaling';

import type { Execution } from './api';
import type { Follower, Following, Heard } from './following';

/** So many runs are followed for their last line at once: the newest. */
const AT_ONCE = 20;
/** So many events of a run are few enough to be read from the first on. */
const FEW = 2_000;
/** Of more, so many of the last ones. */
const SOME = 50;
/** Characters of the last line that are kept. */
const WIDTH = 200;
/** Ms between two changes that are told: whatever runs may print quicker than anybody reads. */
const PATIENCE_MS = 100;

 
const COLOURS = /\u001b\[[0-9;]*[A-Za-z]/g;

/** What is happening in a run. */
export interface Live {
  /** The last line that it has written; empty before the first. */
  readonly line: string;
  /** The cell of a notebook that runs, from 1. */
  readonly cell: number | null;
  /** How many there are. */
  readonly cells: number | null;
}

const NOTHING: Live = { line: '', cell: null, cells: null };

/** The last lines of runs that somebody looks at, and where in a notebook they are. */
export class LiveRuns {
  constructor(private readonly _following: Following) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  of(id: string): Live {
    return this._known.get(id)?.live ?? NOTHING;
  }

  /** Follow these from now on, and no others. */
  watch(executions: readonly Execution[]): void {
    const wanted = new Map(executions.slice(0, AT_ONCE).map(one => [one.id, one]));
    for (const [id, stop] of [...this._stops]) {
      if (!wanted.has(id)) {
        stop();
        this._stops.delete(id);
      }
    }
    for (const [id, { last_event: count = 0 }] of wanted) {
      if (!this._stops.has(id)) {
        const known = this._known.get(id) ?? new Known(count > FEW ? count - SOME : 0, () => this._tell());
        this._known.set(id, known);
        this._stops.set(id, this._following.follow(id, known, known.last));
      }
    }
  }

  dispose(): void {
    this.watch([]);
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _tell(): void {
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      this._changed.emit();
    }, PATIENCE_MS);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _stops = new Map<string, () => void>();
  private readonly _known = new Map<string, Known>();
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

class Known implements Follower {
  live = NOTHING;

  constructor(
    public last: number,
    private readonly _tell: () => void
  ) {}

  heard({ number, event }: Heard): void {
    this.last = number;
    if (event.type === 'cell') {
      this.live = { ...this.live, cell: event.index + 1, cells: event.total };
      this._tell();
    } else if (event.type === 'output' && event.message === 'stream') {
      const line = lastLine((event.content as { text?: string }).text ?? '');
      if (line !== '') {
        this.live = { ...this.live, line };
        this._tell();
      }
    }
  }

  ended(): void {
    // The list tells it.
  }
}

/** The last line that holds anything; of one that is overwritten, as a progress bar is, the newest. */
export function lastLine(text: string): string {
  const end = text.slice(-4_096).replace(COLOURS, '');
  const lines = end.split(/[\r\n]+/).filter(line => line.trim() !== '');
  return (lines.at(-1) ?? '').trim().slice(0, WIDTH);
}
