import type { TranslationBundle } from '@jupyterlab/translation';

import { type Execution, FINAL_STATES } from './api';
import { UNITS_EACH_SECOND } from './specs';
import { clock, stateWord } from './words';

/** Whether a run goes on. */
export function isRunning({ state }: Execution): boolean {
  return !FINAL_STATES.has(state);
}

/** Seconds that a run has taken until now, or took; of one that has not begun: since it was asked for. */
export function secondsOf({ created_at, started_at, finished_at }: Execution, now: number): number {
  return Math.max(0, (finished_at ?? now) - (started_at ?? created_at));
}

/** Units that a run has spent until now, or spent, computed; null where that is not known. */
export function unitsOf(execution: Execution, now: number): number | null {
  if (execution.units !== undefined) {
    return execution.units;
  }
  const each = UNITS_EACH_SECOND[execution.spec];
  if (each === undefined || execution.started_at === undefined || !isRunning(execution)) {
    return null;
  }
  return each * Math.max(1, Math.ceil(now - execution.started_at));
}

/** "running · 0:12 · ~48 units", as far as it is known. */
export function tallyOf(execution: Execution, now: number, trans: TranslationBundle): string {
  const units = unitsOf(execution, now);
  const parts = [stateWord(execution.state, trans), clock(secondsOf(execution, now))];
  if (units !== null) {
    parts.push(unitWords(units, isRunning(execution), trans));
  }
  return parts.join(' · ');
}

/** Units in words; `sofar`: of a run that goes on. */
export function unitWords(units: number, sofar: boolean, trans: TranslationBundle): string {
  const number = units.toLocaleString();
  return sofar ? trans._n('~%2 unit', '~%2 units', units, number) : trans._n('%2 unit', '%2 units', units, number);
}

/** The time now, in seconds since the epoch. */
export function now(): number {
  return Date.now() / 1000;
}
