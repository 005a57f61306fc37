/** The messages of the HTTP API, by the names that this front end uses; `generated.ts` is made from openapi.yaml. */

import type { components } from './generated';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type ServerStatus = Schemas['ServerStatus'];
export type ProjectInfo = Schemas['ProjectInfo'];
export type ProjectInForce = Schemas['ProjectInForce'];
export type Profiles = Schemas['Profiles'];
export type Execution = Schemas['Execution'];
export type State = Execution['state'];
export type Source = Execution['source'];
export type ExecutionRequest = Schemas['ExecutionRequest'];
export type ExecutionEvent =
  | Schemas['StatusEvent']
  | Schemas['StartedEvent']
  | Schemas['NotebookEvent']
  | Schemas['CellEvent']
  | Schemas['OutputEvent']
  | Schemas['VariableEvent']
  | Schemas['FailureEvent']
  | Schemas['NoticeEvent']
  | Schemas['FinishedEvent'];
export type OutputEvent = Schemas['OutputEvent'];
export type FailureEvent = Schemas['FailureEvent'];
export type StatusEvent = Schemas['StatusEvent'];
export type StoredFile = Schemas['StoredFile'];
export type Community = Schemas['Community'];
export type Project = Schemas['Project'];
export type Operation = Schemas['Operation'];
export type AccessBinding = Schemas['AccessBinding'];

export const FINAL_STATES: ReadonlySet<State> = new Set<State>([
  'succeeded',
  'failed',
  'cancelled',
  'lost',
  'unknown',
]);
