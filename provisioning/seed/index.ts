export type { FirstRun, SeedContext, SeedDemo } from './context.ts';
export { seedDemo } from './demo.ts';
