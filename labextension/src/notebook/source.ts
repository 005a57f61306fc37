import type { TranslationBundle } from '@jupyterlab/translation';

/** What becomes of a cell that is to be run over there. */
export type Plan =
  | { readonly kind: 'run'; readonly code: string }
  /** There is nothing in it for over there. */
  | { readonly kind: 'skip'; readonly why: string }
  | { readonly kind: 'refuse'; readonly why: string };

const OURS = /^%(?:(?:re)?load_ext\s+jupyter_datasphere|ds_\w+(?:\s.*)?)$/;
const EXECUTE = /^%%ds_execute[ \t]*(.*)$/;
const PYTHON = /^i?python[\d.]*$/i;

/** Look at the source of a code cell. It is run as it is, but for the first line of `%%ds_execute`. */
export function planFor(source: string, trans: TranslationBundle): Plan {
  if (source.trim() === '') {
    return { kind: 'skip', why: trans.__('The cell is empty.') };
  }
  const [first = '', ...rest] = source.trimStart().split('\n');
  const magic = EXECUTE.exec(first.trimEnd());
  if (magic !== null) {
    return magic[1] === ''
      ? { kind: 'run', code: rest.join('\n') }
      : {
          kind: 'refuse',
          why: trans.__(
            'This cell begins with %1, whose options are for the kernel here: run it as usual, and it runs in DataSphere.',
            first.slice(0, 40)
          ),
        };
  }
  const lines = source.split('\n').map(line => line.trim());
  if (lines.every(line => line === '' || line.startsWith('#') || OURS.test(line)) && lines.some(line => OURS.test(line))) {
    return {
      kind: 'skip',
      why: trans.__('The magics of jupyter_datasphere are for the kernel here: run this cell as usual.'),
    };
  }
  return { kind: 'run', code: source };
}

/** Why a notebook cannot be run cell by cell, by its metadata: only Python is. */
export function otherLanguage(metadata: unknown, trans: TranslationBundle): string | null {
  const { language_info: info, kernelspec } = (metadata ?? {}) as {
    language_info?: { name?: unknown };
    kernelspec?: { language?: unknown };
  };
  for (const name of [info?.name, kernelspec?.language]) {
    if (typeof name === 'string' && name !== '' && !PYTHON.test(name)) {
      return trans.__('This is a notebook for %1, and cells run in DataSphere in Python.', name.slice(0, 40));
    }
  }
  return null;
}
