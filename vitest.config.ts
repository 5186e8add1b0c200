import { defineConfig } from 'vitest/config';

const shared = {
  globalSetup: ['test/support/global-setup.ts'],
  env: { TZ: 'UTC', NODE_ENV: 'test' },
  restoreMocks: true,
  // Real audio and real kills are measured in real time: on CI a neighbour's busy second is not a defect. At a desk nothing is tried twice.
  retry: process.env.CI ? 1 : 0,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        // ui/tsconfig.json extends a file that SvelteKit makes; tests need none of it.
        oxc: { tsconfig: false } as object,
        test: {
          ...shared,
          name: 'rooms',
          include: ['{appliance,gateway,provisioning,test/support,ui,.ci}/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          // Whole runs measure time and take fixed kinds of ports: one file after another, when the rooms are through.
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/support/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
