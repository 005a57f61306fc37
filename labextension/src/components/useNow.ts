import { useEffect, useState } from 'react';

import { now } from '../tally';

/** The time now, in seconds since the epoch; each second anew while it ticks and the page can be seen. */
export function useNow(ticking: boolean): number {
  const [time, setTime] = useState(now);
  useEffect(() => {
    if (!ticking) {
      return;
    }
    const tick = () => {
      if (!document.hidden) {
        setTime(now());
      }
    };
    tick();
    const timer = setInterval(tick, 1_000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [ticking]);
  return time;
}
