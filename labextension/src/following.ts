import { type ISignal, Signal } from '@lumino/signaling';

import { type ExecutionEvent, FINAL_STATES, type Problem } from './api';
import { open, problemOf, RequestError } from './request';

/** An event of one run, with its number. */
export interface Heard {
  readonly execution: string;
  readonly number: number;
  readonly event: ExecutionEvent;
}

/** Who follows a run. */
export interface Follower {
  /** The next event; each comes once, in their order. */
  heard(heard: Heard): void;
  /** The run has ended, and all of its events have come; or its events cannot be had, with the reason. */
  ended(problem: Problem | null): void;
}

interface Followed {
  readonly followers: Set<Follower>;
  /** The number of the last event that came. */
  last: number;
}

/** So many runs one stream has at most, by the server's own limit; the others come when some of these end. */
const AT_ONCE = 100;

/** Ms to wait before a stream that broke is opened again. */
const AGAIN_MS = [250, 500, 1_000, 2_000, 5_000];

/**
 * The events of all runs that anybody in this tab follows, on one stream: a browser has six connections to a
 * server, and each stream takes one.
 */
export class Following {
  /** Whether the stream broke, and is not open again by now. */
  get away(): boolean {
    return this._away;
  }

  /**
   * Whether the stream is open has changed. Once it is again, the server may have told something else meanwhile
   * that nobody has heard.
   */
  get awayChanged(): ISignal<this, boolean> {
    return this._awayChanged;
  }

  /** Follow a run from the event after number `after`; gives the way to stop. */
  follow(execution: string, follower: Follower, after = 0): () => void {
    let followed = this._followed.get(execution);
    if (followed === undefined || after < followed.last) {
      // From here on, all who follow the run hear again what they have: so each is told what it lacks only.
      followed = { followers: followed?.followers ?? new Set(), last: after };
      this._followed.set(execution, followed);
      this._reopen();
    }
    const entry = new Once(follower, after);
    followed.followers.add(entry);
    return () => {
      const present = this._followed.get(execution);
      present?.followers.delete(entry);
      if (present?.followers.size === 0) {
        this._followed.delete(execution);
        this._reopen();
      }
    };
  }

  dispose(): void {
    this._followed.clear();
    this._stream?.abort();
    Signal.clearData(this);
  }

  /** Open a stream for those that are followed now, soon: several may come at once. */
  private _reopen(): void {
    if (this._due) {
      return;
    }
    this._due = true;
    queueMicrotask(() => {
      this._due = false;
      this._stream?.abort();
      this._stream = null;
      if (this._followed.size > 0) {
        void this._read();
      } else {
        this._setAway(false);
      }
    });
  }

  private _setAway(away: boolean): void {
    if (away !== this._away) {
      this._away = away;
      this._awayChanged.emit(away);
    }
  }

  /** Read until all have ended, whatever breaks; ends where another stream is opened. */
  private async _read(): Promise<void> {
    const { signal } = (this._stream = new AbortController());
    for (let tries = 0; !isAborted(signal) && this._followed.size > 0; tries++) {
      try {
        const followed = [...this._followed].slice(0, AT_ONCE);
        const executions = followed.map(([id, { last }]) => `${id}:${last}`).join(',');
        const body = await open('/datasphere/events', { query: { executions }, signal });
        tries = 0;
        this._setAway(false);
        await this._take(body, signal); // where it ends before they do, the server has gone: it is asked again
      } catch (error) {
        if (isAborted(signal)) {
          return;
        }
        if (error instanceof RequestError && isRefusal(error)) {
          this._end(error.problem);
          return;
        }
      }
      if (this._followed.size === 0) {
        return;
      }
      this._setAway(true);
      await new Promise(resolve => setTimeout(resolve, AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)]));
    }
  }

  private async _take(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || isAborted(signal)) {
        return;
      }
      text += value;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this._frame(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  private _frame(frame: string): void {
    const data = frame.split('\n').find(line => line.startsWith('data: '));
    if (data === undefined) {
      return; // a sign of life
    }
    const content: unknown = JSON.parse(data.slice('data: '.length));
    if (frame.startsWith('event: problem')) {
      const { execution, problem } = content as { execution: string; problem: Problem };
      this._tell(execution, follower => follower.ended(problem));
      this._followed.delete(execution);
      return;
    }
    const heard = content as Heard;
    const followed = this._followed.get(heard.execution);
    // Numbers have no gaps. What is not the next one is of a stream before, from which somebody who has come
    // since lacks something: that comes by the stream that is about to be opened.
    if (followed !== undefined && heard.number === followed.last + 1) {
      followed.last = heard.number;
      this._tell(heard.execution, follower => follower.heard(heard));
      const final = heard.event.type === 'status' && FINAL_STATES.has(heard.event.state);
      if (final && this._followed.get(heard.execution) === followed) {
        this._tell(heard.execution, follower => follower.ended(null));
        this._followed.delete(heard.execution);
      }
    }
  }

  private _end(problem: Problem): void {
    for (const execution of [...this._followed.keys()]) {
      this._tell(execution, follower => follower.ended(problem));
      this._followed.delete(execution);
    }
  }

  private _tell(execution: string, tell: (follower: Follower) => void): void {
    for (const follower of [...(this._followed.get(execution)?.followers ?? [])]) {
      try {
        tell(follower);
      } catch (error) {
        console.error(`DataSphere: a view of execution ${execution} failed.`, problemOf(error));
      }
    }
  }

  private readonly _followed = new Map<string, Followed>();
  private readonly _awayChanged = new Signal<this, boolean>(this);
  private _away = false;
  private _stream: AbortController | null = null;
  private _due = false;
}

/** Whether asking again is of no use. */
function isRefusal({ reason, problem }: RequestError): boolean {
  return reason === 'told' && (problem.status ?? 500) < 500;
}

/** Asked anew each time: it changes while somebody awaits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Tells each event once, whatever is repeated. */
class Once implements Follower {
  constructor(
    private readonly _follower: Follower,
    private _last: number
  ) {}

  heard(heard: Heard): void {
    if (heard.number > this._last) {
      this._last = heard.number;
      this._follower.heard(heard);
    }
  }

  ended(problem: Problem | null): void {
    this._follower.ended(problem);
  }
}
