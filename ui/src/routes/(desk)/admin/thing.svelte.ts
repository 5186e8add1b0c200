import { ApiError, del, getVersioned, patch, post } from '#lib/api/client.ts';
import { changes } from './[list]/list.ts';

/** One configured thing on a page of its own: read with its version, changed field by field, saved with If-Match. */
export class Thing<T extends object> {
  readonly #path: string;
  readonly #fresh: () => T;
  #id = $state<string | undefined>();
  #etag: string | null = null;
  #before = $state.raw<T | undefined>();
  form = $state<T>() as T;
  loaded = $state(false);
  pending = $state(false);
  conflict = $state(false);
  failure = $state.raw<unknown>();

  /** `fresh` is what a new one begins with, and names the fields that are sent. */
  constructor(path: string, id: string | undefined, fresh: () => T) {
    this.#path = path;
    this.#id = id;
    this.#fresh = fresh;
    this.form = fresh();
  }

  get id(): string | undefined {
    return this.#id;
  }
  get dirty(): boolean {
    return this.loaded && JSON.stringify(this.form) !== JSON.stringify(this.#before);
  }
  /** What the box refused, by the field's name. */
  problemOf(key: string): string | undefined {
    const details = this.failure instanceof ApiError && Array.isArray(this.failure.details) ? this.failure.details : [];
    return (details as { path?: unknown; message?: string }[]).find(
      ({ path }) => (Array.isArray(path) ? path[0] : String(path ?? '').split('.')[0]) === key,
    )?.message;
  }

  /** With `mine`, what this person has typed stays and everything else becomes what it is now. */
  async load(mine = false): Promise<void> {
    try {
      if (this.#id === undefined) {
        this.#before = this.#fresh();
      } else {
        const { value, etag } = await getVersioned<Record<string, unknown>>(`${this.#path}/${this.#id}`);
        const read = Object.fromEntries(Object.keys(this.#fresh()).map((key) => [key, value[key] ?? null])) as T;
        const typed =
          mine && this.#before
            ? changes(this.#before as Record<string, unknown>, $state.snapshot(this.form) as Record<string, unknown>)
            : {};
        this.#etag = etag;
        this.#before = read;
        this.form = { ...structuredClone(read), ...typed } as T;
      }
      this.loaded = true;
      this.conflict = false;
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
    }
  }

  /** True when the box has it. */
  async save(): Promise<boolean> {
    this.pending = true;
    try {
      const form = $state.snapshot(this.form) as Record<string, unknown>;
      if (this.#id === undefined) {
        const made = await post<{ id: string }>(this.#path, form);
        this.#id = made.id;
      } else {
        const changed = changes(this.#before as Record<string, unknown>, form);
        if (Object.keys(changed).length > 0) await patch(`${this.#path}/${this.#id}`, changed, this.#etag);
      }
      await this.load();
      return true;
    } catch (error) {
      this.conflict = error instanceof ApiError && error.status === 412;
      this.failure = error;
      return false;
    } finally {
      this.pending = false;
    }
  }

  async remove(): Promise<boolean> {
    this.pending = true;
    try {
      await del(`${this.#path}/${this.#id}`, this.#etag);
      this.#before = $state.snapshot(this.form) as T;
      return true;
    } catch (error) {
      this.conflict = error instanceof ApiError && error.status === 412;
      this.failure = error;
      return false;
    } finally {
      this.pending = false;
    }
  }
}
