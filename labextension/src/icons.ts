import { LabIcon } from '@jupyterlab/ui-components';

/** A sphere with a ring of data. Its colour is that of the text around it. */
export const dataSphereIcon = new LabIcon({
  name: 'jupyter-datasphere:sphere',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <circle cx="8" cy="8" r="4.2" fill="currentColor"/>
  <ellipse cx="8" cy="8" rx="7.2" ry="2.6" transform="rotate(-24 8 8)" fill="none" stroke="currentColor" stroke-width="1.2"/>
</svg>`,
});
