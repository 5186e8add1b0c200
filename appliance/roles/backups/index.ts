export { declareBackupJobs, defineBackupJobs, scheduleBackupJobs } from './jobs.ts';
export { backupsWatched } from './plan.ts';
export { backupRoutes } from './routes.ts';
export { runCli } from './run-cli.ts';
export { backupStore } from './store.ts';
