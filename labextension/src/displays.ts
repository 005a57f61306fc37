import type { IOutput } from '@jupyterlab/nbformat';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';

type Item = ReturnType<IOutputAreaModel['get']>;

/** An output that was shown under a display ID. */
interface Place {
  readonly area: IOutputAreaModel;
  item: Item;
}

/**
 * What is shown under which display ID, in all cells of one notebook: a run may change what an earlier cell
 * shows. An output that is no longer where it was (cleared, moved, run again) is left alone.
 */
export class Displays {
  /** The output at `index` is known by that ID. */
  add(id: string, area: IOutputAreaModel, index: number): void {
    const places = this._places.get(id) ?? [];
    places.push({ area, item: area.get(index) });
    this._places.set(id, places);
  }

  /** Change all that is shown under that ID. */
  update(id: string, output: IOutput): void {
    for (const place of this._places.get(id) ?? []) {
      const index = indexOf(place);
      if (index >= 0) {
        // What it is (a display, or a result with its number) stays as it was.
        const { output_type, execution_count } = place.item.toJSON();
        place.area.set(
          index,
          execution_count === undefined ? { ...output, output_type } : { ...output, output_type, execution_count }
        );
        place.item = place.area.get(index);
      }
    }
  }

  private readonly _places = new Map<string, Place[]>();
}

function indexOf({ area, item }: Place): number {
  for (let index = 0; !isGone(area) && index < area.length; index++) {
    if (area.get(index) === item) {
      return index;
    }
  }
  return -1;
}

function isGone(area: IOutputAreaModel): boolean {
  return area.isDisposed;
}
