import { Poll } from '@lumino/polling';

/** Ms until what is in trouble is asked again for the first time, and at most from one time to the next. */
export const FIRST_RETRY_MS = 2_000;
export const LAST_RETRY_MS = 60_000;

/**
 * The one schedule of whatever is in trouble here: once started or refreshed, `ask` is called again and again, later
 * each time with some jitter, until it does not reject. `rest` says when nothing is asked: while the page is hidden,
 * where it does not say otherwise.
 */
export function retrying(
  name: string,
  ask: Poll.Factory<void, unknown, 'standby'>,
  rest: () => Poll.Standby | boolean = () => 'when-hidden'
): Poll<void, unknown> {
  const poll = new Poll({
    auto: false,
    name: `jupyter-datasphere:${name}`,
    factory: ask,
    frequency: { interval: FIRST_RETRY_MS, backoff: true, max: LAST_RETRY_MS },
    standby: rest,
  });
  poll.ticked.connect((_, { phase }) => {
    if (phase === 'resolved' || phase === 'reconnected') {
      void poll.stop(); // it is asked until it answers, and no longer
    }
  });
  return poll;
}
