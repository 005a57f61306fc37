import type { TranslationBundle } from '@jupyterlab/translation';
import { InputGroup } from '@jupyterlab/ui-components';
import React from 'react';

import { whole } from '../formats';
import type { Units } from '../resources';
import { Field } from './field';
import { Form } from './form';

/** As they are typed; empty: no limit. */
type Typed = Record<keyof Units, string>;

/** Asks for the units of a project; fields that are not in `before` are not shown to this account. */
export function unitsForm(before: Partial<Units>, trans: TranslationBundle): Form<Typed> {
  const typed = {
    balance: before.balance ?? '',
    perHour: before.perHour ?? '',
    perRun: before.perRun ?? '',
  };
  return new Form<Typed>(typed, (value, enter) => (
    <>
      <p>{trans.__('An empty field means: no limit.')}</p>
      {fields(trans)
        .filter(({ field }) => before[field] !== undefined)
        .map(({ field, label }) => (
          <Field key={field} label={label} hint={difference(before[field] ?? '', value[field], trans)}>
            {ids => (
              <InputGroup
                {...ids}
                inputMode="numeric"
                pattern="-?[0-9]{1,18}"
                value={value[field]}
                onChange={event => enter({ [field]: event.currentTarget.value })}
              />
            )}
          </Field>
        ))}
    </>
  ));
}

/** What was typed, as it is set. */
export function unitsTyped(typed: Typed, before: Partial<Units>): Partial<Units> {
  const after: Partial<Record<keyof Units, string | null>> = {};
  for (const field of Object.keys(before) as (keyof Units)[]) {
    after[field] = typed[field] === '' ? null : String(BigInt(typed[field]));
  }
  return after;
}

function fields(trans: TranslationBundle): { field: keyof Units; label: string }[] {
  return [
    { field: 'balance', label: trans.__('Units that are left') },
    { field: 'perHour', label: trans.__('Units that an hour may cost') },
    { field: 'perRun', label: trans.__('Units that a run may cost') },
  ];
}

function difference(before: string, after: string, trans: TranslationBundle): string {
  const words = (text: string) => (text === '' ? trans.__('no limit') : whole(text));
  if (!/^(-?\d{1,18})?$/.test(after)) {
    return trans.__('A whole number, or nothing.');
  }
  return before === after
    ? trans.__('Stays as it is: %1', words(before))
    : `${words(before)} → ${words(after)}`;
}
