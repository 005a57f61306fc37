import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

/** A section of the sidebar that is drawn by React, and is told when somebody begins to look at it. */
export abstract class SectionWidget extends ReactWidget {
  /** It is looked at: the first time, and again after it was folded or the sidebar was closed. */
  protected abstract shown(): void;

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.shown();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.shown();
  }
}
