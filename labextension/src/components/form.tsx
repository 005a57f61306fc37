import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type React from 'react';

/** The body of a dialog that asks for something. */
export class Form<T> extends ReactWidget implements Dialog.IBodyWidget<T> {
  /** `draw` gets what was entered so far, and the way to tell what was entered. */
  constructor(
    private _value: T,
    private readonly _draw: (value: T, enter: (change: Partial<T>) => void) => React.ReactElement
  ) {
    super();
    this.addClass('jp-DataSphere-form');
  }

  getValue(): T {
    return this._value;
  }

  protected override render(): React.ReactElement {
    return this._draw(this._value, change => {
      this._value = { ...this._value, ...change };
      this.update();
    });
  }
}

/** Ask; null: the user has changed their mind. Nothing that is not valid can be accepted. */
export async function ask<T>(
  title: string,
  form: Form<T>,
  accept: Partial<Dialog.IButton>,
  trans: TranslationBundle
): Promise<T | null> {
  const dialog = new Dialog<T>({
    title,
    body: form,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton(accept)],
    focusNodeSelector: 'input, select, textarea',
  });
  // A dialog looks whether it is valid after each input: let it look before the first, too.
  void dialog.ready.then(() => form.node.dispatchEvent(new Event('input', { bubbles: true })));
  const { button, value } = await dialog.launch();
  return button.accept ? value : null;
}
