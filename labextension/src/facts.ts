import type { TranslationBundle } from '@jupyterlab/translation';

import type { ProjectInfo, ServerStatus } from './api';
import { moment, whole } from './formats';
import type { Health, Snapshot } from './tokens';
import { named, visible } from './visible';

/** A named fact, as `%ds_status` says it. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** The text of the status-bar item. */
export function summary({ health, status }: Snapshot, trans: TranslationBundle): string {
  switch (health.kind) {
    case 'starting':
      return trans.__('DataSphere: …');
    case 'missing':
      return trans.__('DataSphere: server extension missing');
    case 'other-version':
      return trans.__('DataSphere: versions differ');
    case 'unreachable':
      return trans.__('DataSphere: server not reachable');
    case 'failed':
      return trans.__('DataSphere: %1, not connected', project(status, trans));
    case 'unchecked':
    case 'ok':
      return trans.__('DataSphere: %1', project(status, trans));
  }
}

function project(status: ServerStatus | null, trans: TranslationBundle): string {
  return status?.project === undefined ? trans.__('no project') : visible(status.project.name);
}

/** What the project has left, where that is known; else nothing. */
export function left({ checked }: Snapshot, trans: TranslationBundle): string {
  const units = checked?.project?.unit_balance;
  return units === undefined ? '' : inUnits(units, trans);
}

/** "1,200 units". */
export function inUnits(number: string | number, trans: TranslationBundle): string {
  return trans._n('%2 unit', '%2 units', Number(number), whole(number));
}

/** The state of the connection in a few words. */
export function connection(health: Health, trans: TranslationBundle): string {
  switch (health.kind) {
    case 'starting':
    case 'unchecked':
      return trans.__('not checked yet');
    case 'missing':
      return trans.__('the server extension is missing or disabled');
    case 'other-version':
      return trans.__('the server extension is of another version');
    case 'unreachable':
    case 'failed':
      return trans.__('failed');
    case 'ok':
      return trans.__('ok');
  }
}

/** What `%ds_status` says, for the section of the connection. */
export function facts({ health, status, checked }: Snapshot, trans: TranslationBundle): Fact[] {
  const rows: Fact[] = [{ name: trans.__('Connection'), value: connection(health, trans) }];
  if (status === null) {
    return rows;
  }
  const project = checked?.project ?? status.project;
  rows.push({ name: trans.__('Endpoint'), value: status.endpoint });
  if (status.profile !== undefined) {
    rows.push({ name: trans.__('Profile'), value: status.profile });
  }
  rows.push(
    { name: trans.__('Credentials'), value: credentials(status, trans) },
    {
      name: trans.__('Project'),
      value: project ? named(project) : trans.__('none is chosen'),
    }
  );
  // Only a check knows these; without one, no number is shown.
  if (checked?.project && !checked.problem) {
    rows.push({ name: trans.__('Balance'), value: balance(checked.project, trans) });
    for (const [channel, word] of Object.entries(checked.project.channels ?? {})) {
      rows.push({ name: trans.__('Channel %1', channel), value: word });
    }
  }
  rows.push(
    { name: trans.__('Running'), value: String(status.running ?? 0) },
    { name: trans.__('Version'), value: status.version }
  );
  for (const note of [status.credentials_notice, status.ledger?.problem]) {
    if (note !== undefined) {
      rows.push({ name: trans.__('Note'), value: note });
    }
  }
  return rows;
}

function balance({ unit_balance, balance_hidden }: ProjectInfo, trans: TranslationBundle): string {
  if (balance_hidden) {
    return trans.__('not shown to this account');
  }
  return unit_balance === undefined ? trans.__('no limit') : inUnits(unit_balance, trans);
}

function credentials(status: ServerStatus, trans: TranslationBundle): string {
  if (status.credentials === undefined) {
    return trans.__('none');
  }
  if (status.credentials_expire_at === undefined) {
    return status.credentials;
  }
  return `${status.credentials}, ${expiry(status.credentials_expire_at, trans)}`;
}

function expiry(at: number, trans: TranslationBundle): string {
  const when = moment(new Date(at * 1000));
  const seconds = at - Date.now() / 1000;
  return seconds <= 0
    ? trans.__('expired since %1', when)
    : trans.__('until %1 (%2 left)', when, duration(seconds, trans));
}

/** "40 s", "12 min", "3 h 5 min", "2 d 4 h". */
export function duration(seconds: number, trans: TranslationBundle): string {
  if (seconds < 60) {
    return trans.__('%1 s', Math.floor(seconds));
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return trans.__('%1 min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? trans.__('%1 h %2 min', hours, minutes % 60)
    : trans.__('%1 d %2 h', Math.floor(hours / 24), hours % 24);
}
