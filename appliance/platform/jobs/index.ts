export type { FailedJob, JobOptions, Jobs } from './jobs.ts';
export { createJobs } from './jobs.ts';
