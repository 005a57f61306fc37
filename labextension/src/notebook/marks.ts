import type { ICellModel } from '@jupyterlab/cells';

import { FINAL_STATES, type State } from '../api';
import { isExecutionId } from '../executionId';

const KEY = 'datasphere';

/**
 * What a cell's metadata says of its run in DataSphere, under `datasphere`. While the run goes on it is the ID
 * alone; the rest is added once all of its outputs are in the cell, for readers without this ledger.
 */
export interface Mark {
  readonly execution: string;
  readonly project?: string;
  readonly state?: State;
  readonly units?: number;
}

/** What the cell's metadata says; whoever wrote the file may have put anything there. */
export function markOf(model: ICellModel): Mark | null {
  const said = model.getMetadata(KEY) as Partial<Record<keyof Mark, unknown>> | null | undefined;
  if (!isExecutionId(said?.execution)) {
    return null;
  }
  const { execution, project, state, units } = said;
  return {
    execution,
    ...(typeof project === 'string' ? { project } : {}),
    ...(FINAL_STATES.has(state as State) ? { state: state as State } : {}),
    ...(typeof units === 'number' ? { units } : {}),
  };
}

/** Say it; nothing that an undo takes back. */
export function setMark(model: ICellModel, mark: Mark): void {
  model.sharedModel.transact(() => model.setMetadata(KEY, { ...mark }), false);
}

export function removeMark(model: ICellModel): void {
  if (model.getMetadata(KEY) !== undefined) {
    model.sharedModel.transact(() => model.deleteMetadata(KEY), false);
  }
}
