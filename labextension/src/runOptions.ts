import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ExecutionRequest } from './api';
import type { Settings } from './settings';
import { DEFAULT_SPEC, UNITS_EACH_SECOND } from './specs';

/** How something is run: what is left open is the server's choice. */
export type RunOptions = Pick<ExecutionRequest, 'spec' | 'channel' | 'max_units'> & { readonly session?: string };

const SECONDS_PER_HOUR = 3_600;

/** What the settings say. */
export function optionsOf({ defaultSpec: spec, defaultChannel: channel }: Settings): RunOptions {
  return { ...(spec === '' ? {} : { spec }), ...(channel === '' ? {} : { channel }) };
}

/** The request's part that is about how something is run. */
export function requestOf({ spec, channel, max_units }: RunOptions): Omit<ExecutionRequest, 'source'> {
  return {
    ...(spec === undefined ? {} : { spec }),
    ...(channel === undefined ? {} : { channel }),
    ...(max_units === undefined ? {} : { max_units }),
  };
}

/** Ask whether something may be run that may cost more in an hour than the settings let pass; whether it may. */
export async function confirmCost(
  options: RunOptions,
  { confirmAbove: most }: Settings,
  trans: TranslationBundle
): Promise<boolean> {
  const spec = options.spec ?? DEFAULT_SPEC;
  const hourly = (UNITS_EACH_SECOND[spec] ?? 0) * SECONDS_PER_HOUR;
  const atMost = Math.min(hourly, options.max_units ?? Infinity);
  if (most === null || atMost <= most || options.channel === 'jupyter') {
    return true;
  }
  const { button } = await showDialog({
    title: trans.__('Run this on %1?', spec),
    body: trans.__(
      'It may cost up to %1 units in an hour; runs above %2 are asked about, as the settings say.',
      atMost.toLocaleString(),
      most.toLocaleString()
    ),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
  });
  return button.accept;
}
