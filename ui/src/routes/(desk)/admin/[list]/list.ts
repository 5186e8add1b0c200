import type { Component } from 'svelte';

/** A thing that is configured, as the lists of the API answer it. */
export type Row = { id: string; version: number } & Record<string, unknown>;

export type Field = {
  key: string;
  label: () => string;
  hint?: () => string;
  /** Shown and sent only when a new one is made. */
  onlyNew?: boolean;
  required?: boolean;
} & (
  | { kind: 'text' | 'long' | 'password'; max?: number; pattern?: string }
  | { kind: 'number'; min?: number; max?: number; step?: number; unit?: () => string; share?: boolean }
  | { kind: 'check' }
  | { kind: 'select'; options: { value: string; label: () => string }[] }
  /** Another thing, by its id. */
  | { kind: 'reference'; path: string; nameKey: string; none?: () => string }
);

export interface ListColumn {
  key: string;
  label: () => string;
  text: (row: Row, names: Names) => string;
  value?: (row: Row) => string | number;
  num?: boolean;
  end?: boolean;
  wide?: boolean;
  /** Shown as a badge of this tone. */
  tone?: (row: Row) => 'ok' | 'warn' | 'danger' | 'neutral' | 'accent';
}

/** Names of things referred to, by their ids. */
export type Names = (id: unknown) => string;

export interface ListSpec {
  path: string;
  permission: string;
  title: () => string;
  /** What one is called in "New …" and "Delete …?". */
  one: () => string;
  empty: () => string;
  columns: ListColumn[];
  fields: Field[];
  /** Other lists whose names the columns show. */
  names?: { path: string; key: string }[];
  /** Things that the box made by itself cannot be changed. */
  locked?: (row: Row) => boolean;
  /** Making a new one answers something that is shown once, and a new one can be asked for: credentials. */
  secret?: { rotate: (row: Row) => string };
  /** People here are made elsewhere. */
  noDelete?: boolean;
  nameOf: (row: Row) => string;
  /** The page where one is worked on, when a form is not enough; the form then holds name and description. */
  href?: (row: Row) => string;
  /** A new one is made on a page of its own. */
  newHref?: string;
  /** Pages beside this one. */
  links?: { href: string; label: () => string }[];
  /** More about each row from a second address. */
  health?: { path: (row: Row) => string; fields: (answer: unknown) => Record<string, unknown> };
  /** Read again this often. */
  refreshS?: number;
  noBulk?: boolean;
  /** Fields that can be changed for many at once, besides those of the form: of things that have a page of their own. */
  bulk?: Field[];
  /** Can be asked to start again: where; undefined for those that cannot. */
  restart?: (row: Row) => string | undefined;
  /** A call can be made through it to see that it works. */
  testCall?: boolean;
  icon?: Component;
}

export const str = (row: Row, key: string): string => {
  const value = row[key];
  return value === null || value === undefined ? '' : String(value);
};
export const num = (row: Row, key: string): number => {
  const value = Number(row[key]);
  return Number.isFinite(value) ? value : 0;
};

/** What changed between the row as it was read and the form: only that is sent, so that two people can edit different fields of one thing. */
export function changes(before: Record<string, unknown>, form: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(form).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key] ?? null) && value !== undefined,
    ),
  );
}
