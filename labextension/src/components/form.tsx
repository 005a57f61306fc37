import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

type Draw<T> = (value: T, enter: (change: Partial<T>) => void) => React.ReactElement;

/** The body of a dialog that asks for something. */
export class Form<T> extends ReactWidget implements Dialog.IBodyWidget<T> {
  /** `draw` gets what was entered so far, and the way to tell what was entered. */
  constructor(
    private _value: T,
    private readonly _draw: Draw<T>
  ) {
    super();
    this.addClass('jp-DataSphere-form');
  }

  getValue(): T {
    return this._value;
  }

  protected override render(): React.ReactElement {
    return (
      <Entered
        initial={this._value}
        draw={this._draw}
        onEnter={value => {
          this._value = value;
        }}
        onDrawn={() => this._drawn()}
      />
    );
  }

  /** A dialog looks whether all is valid at each input, which is before that was drawn: let it look after, too. */
  private _drawn(): void {
    this.node.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

interface EnteredProps<T> {
  readonly initial: T;
  readonly draw: Draw<T>;
  readonly onEnter: (value: T) => void;
  readonly onDrawn: () => void;
}

function Entered<T>({ initial, draw, onEnter, onDrawn }: EnteredProps<T>): React.ReactElement {
  const [value, setValue] = React.useState(initial);
  React.useLayoutEffect(onDrawn);
  return draw(value, change => {
    const next = { ...value, ...change };
    onEnter(next);
    setValue(next);
  });
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
  dialog.addClass('jp-DataSphere-Dialog');
  const { button, value } = await dialog.launch();
  return button.accept ? value : null;
}
