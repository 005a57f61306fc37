import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { RunOptions } from '../runOptions';
import { UNITS_EACH_SECOND } from '../specs';

const CHANNELS = ['state', 'files', 'jupyter'];
/** As the server has it; `session` may be any such name. */
const SESSION = '[\\w.\\-]{1,64}';

/** The body of the dialog that asks how selected cells are run. */
export class OptionsForm extends ReactWidget implements Dialog.IBodyWidget<RunOptions> {
  constructor(
    private readonly _before: RunOptions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-DataSphere-OptionsForm');
  }

  getValue(): RunOptions {
    const value = (name: string) =>
      this.node.querySelector<HTMLInputElement | HTMLSelectElement>(`[name=${name}]`)?.value.trim() ?? '';
    const units = Number(value('units'));
    return {
      ...(value('spec') === '' ? {} : { spec: value('spec') }),
      ...(value('channel') === '' ? {} : { channel: value('channel') }),
      ...(value('session') === '' ? {} : { session: value('session') }),
      ...(Number.isInteger(units) && units > 0 ? { max_units: units } : {}),
    };
  }

  protected override render(): React.ReactElement {
    const { _before: before, _trans: trans } = this;
    return (
      <>
        <label>
          {trans.__('Computing configuration')}
          <HTMLSelect name="spec" defaultValue={before.spec ?? ''}>
            <option value="">{trans.__('as the server chooses')}</option>
            {Object.entries(UNITS_EACH_SECOND).map(([name, units]) => (
              <option key={name} value={name}>
                {trans.__('%1 (%2 units per second)', name, units)}
              </option>
            ))}
          </HTMLSelect>
        </label>
        <label>
          {trans.__('Channel')}
          <HTMLSelect name="channel" defaultValue={before.channel ?? ''}>
            <option value="">{trans.__('the best that the project can use')}</option>
            {CHANNELS.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </HTMLSelect>
        </label>
        <label>
          {trans.__('Session')}
          <input name="session" className="jp-mod-styled" defaultValue={before.session} pattern={SESSION} />
        </label>
        <label>
          {trans.__('Units that each cell may cost at most')}
          <input
            name="units"
            className="jp-mod-styled"
            type="number"
            min="1"
            placeholder={trans.__('no limit')}
            defaultValue={before.max_units}
          />
        </label>
      </>
    );
  }
}
