export type { FirstRun, SeedContext, SeedDemo } from './context.ts';
