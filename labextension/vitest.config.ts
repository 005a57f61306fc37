import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.ts'],
    // JupyterLab's packages are written for bundlers.
    server: { deps: { inline: [/@jupyterlab/, /@jupyter\//, /@lumino/] } },
    setupFiles: ['tests/setup.ts'],
  },
});
