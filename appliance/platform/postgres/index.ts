export type { Batch, BatchOptions, StatementOptions } from './batch.ts';
export { createBatch } from './batch.ts';
export type { Database } from './database.ts';
export { openDatabase } from './database.ts';
export { asAppError, isConnectionError, isTransientError } from './errors.ts';
export { migrate, migrationsPending } from './migrate.ts';
export type { CrudRow, CrudStore, TableStoreOptions } from './table.ts';
export { camelCase, rowFromColumns, snakeCase, tableStore } from './table.ts';
