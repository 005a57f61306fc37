import React from 'react';

interface Props {
  readonly label: string;
  readonly hint?: string;
  /** The control, which gets the ID of its label and of the hint. */
  readonly children: (ids: { id: string; 'aria-describedby': string | undefined }) => React.ReactElement;
}

/** A labelled control of a form, with a word about what it takes. */
export function Field({ label, hint, children }: Props): React.ReactElement {
  const id = React.useId();
  const about = `${id}-about`;
  return (
    <div className="jp-DataSphere-field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': hint === undefined ? undefined : about })}
      {hint !== undefined && <small id={about}>{hint}</small>}
    </div>
  );
}
