/** IDs of the commands about runs. */

/** Open a run's output in a tab; argument `id`. */
export const OPEN_RUN = 'datasphere:open-run';
/** Insert a cell with a run's output into the notebook in front; argument `id`. */
export const ATTACH_RUN = 'datasphere:attach-run';
/** Ask for the end of a run; argument `id`. */
export const CANCEL_RUN = 'datasphere:cancel-run';
/** Run the code cell that is active. */
export const RUN_CELL = 'datasphere:run-cell';
/** Run all code cells, one after the other. */
export const RUN_NOTEBOOK = 'datasphere:run-notebook';
/** Run the selected cells, one after the other, with options that are asked for. */
export const RUN_SELECTED = 'datasphere:run-selected-cells';
/** Run notebooks of the file browser; argument `path`, or what is selected there. */
export const RUN_FILE = 'datasphere:run-file';

/** The arguments of a command about one run. */
export const RUN_ARGUMENTS = {
  args: {
    type: 'object',
    properties: { id: { type: 'string', description: 'The ID of the execution.', pattern: '^[0-9a-f]{16}$' } },
    required: ['id'],
  },
} as const;

export const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;
