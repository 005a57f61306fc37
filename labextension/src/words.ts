import type { TranslationBundle } from '@jupyterlab/translation';

import type { Execution, Source, State, StatusEvent } from './api';

/** A state in a word. */
export function stateWord(state: State, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'staged':
    case 'submitted':
      return trans.__('starting');
    case 'running':
      return trans.__('running');
    case 'succeeded':
      return trans.__('succeeded');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'lost':
      return trans.__('lost');
    case 'unknown':
      return trans.__('unknown');
  }
}

/** Why a run did not succeed, where its code did not raise. */
export function endingOf(event: StatusEvent, id: string, trans: TranslationBundle): string {
  if (event.problem !== undefined) {
    return trans.__('Execution %1: %2', id, event.problem.title);
  }
  switch (event.state) {
    case 'cancelled':
      return trans.__('Execution %1 was cancelled.', id);
    case 'lost':
      return trans.__('Execution %1 was lost: the service no longer knows how it ended.', id);
    case 'unknown':
      return trans.__('Execution %1 was sent, but whether the service took it can no longer be found out.', id);
    default:
      return trans.__('Execution %1 failed, and no reason was given.', id);
  }
}

/** What a run is called: the first line of its code, or the notebook's path. */
export function titleOf(source: Source, trans: TranslationBundle): string {
  switch (source.type) {
    case 'code':
      return firstLine(source.source) ?? trans.__('(no code)');
    case 'notebook':
      return source.path.replace(/^\/home\/jupyter\/datasphere\/project\//, '');
    case 'cell':
      return trans.__('Cell %1', source.cell_id);
  }
}

/** The project by its name, or by its ID where the name is not known. */
export function projectOf({ project_name, project_id }: Execution): string {
  return project_name === undefined || project_name === '' ? project_id : project_name;
}

/** "0:07", "12:05", "3:05:09"; whole seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function firstLine(text: string): string | undefined {
  const lines = text.split('\n', 50).map(line => line.trim());
  return (lines.find(line => line !== '' && !line.startsWith('#')) ?? lines.find(line => line !== ''))?.slice(0, 200);
}
