/** The domain of this front end's translations. */
export const DOMAIN = 'jupyter_datasphere';
