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
  followers: Set<Follower>;
  /** The number of the last event that came. */
  last: number;
  /** Whether the event came that tells its end. */
  final: boolean;
}

/** Ms to wait before a stream that broke is opened again. */
const AGAIN_MS = [250, 500, 1_000, 2_000, 5_000];

/**
 * The events of all runs that anybody in this tab follows, on one stream: a browser has six connections to a
 * server, and each stream takes one.
 */
export class Following {
  /** Follow a run from the event after number `after`; gives the way to stop. */
  follow(execution: string, follower: Follower, after = 0): () => void {
    let followed = this._followed.get(execution);
    if (followed === undefined || after < followed.last) {
      // From here on, all who follow the run hear again what they have: so each is told what it lacks only.
      followed = { followers: followed?.followers ?? new Set(), last: after, final: false };
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
      }
    });
  }

  /** Read until all have ended, whatever breaks; ends where another stream is opened. */
  private async _read(): Promise<void> {
    const { signal } = (this._stream = new AbortController());
    for (let tries = 0; !isAborted(signal) && this._followed.size > 0; tries++) {
      try {
        const executions = [...this._followed].map(([id, { last }]) => `${id}:${last}`).join(',');
        const body = await open('/datasphere/events', { query: { executions }, signal });
        tries = 0;
        await this._take(body, signal);
        this._endThoseThatHave(); // the others: the server has gone, and is asked again
      } catch (error) {
        if (isAborted(signal)) {
          return;
        }
        if (error instanceof RequestError && error.reason === 'told') {
          this._end(error.problem);
          return;
        }
      }
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
    if (followed !== undefined) {
      followed.last = Math.max(followed.last, heard.number);
      followed.final ||= heard.event.type === 'status' && FINAL_STATES.has(heard.event.state);
      this._tell(heard.execution, follower => follower.heard(heard));
    }
  }

  private _endThoseThatHave(): void {
    for (const [execution, { final }] of [...this._followed]) {
      if (final) {
        this._tell(execution, follower => follower.ended(null));
        this._followed.delete(execution);
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
  private _stream: AbortController | null = null;
  private _due = false;
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
