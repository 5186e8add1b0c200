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
  /** What somebody else saved meanwhile (412). */
  theirs = $state.raw<T | undefined>();
  #theirTag: string | null = null;
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

  async #read(): Promise<{ read: T; etag: string | null }> {
    const { value, etag } = await getVersioned<Record<string, unknown>>(`${this.#path}/${this.#id}`);
    return { read: Object.fromEntries(Object.keys(this.#fresh()).map((key) => [key, value[key] ?? null])) as T, etag };
  }

  async load(): Promise<void> {
    try {
      if (this.#id === undefined) {
        this.#before = this.#fresh();
      } else {
        const { read, etag } = await this.#read();
        this.#etag = etag;
        this.#before = read;
        this.form = structuredClone(read);
      }
      this.loaded = true;
      this.theirs = undefined;
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
      await this.#refused(error);
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
      await this.#refused(error);
      return false;
    } finally {
      this.pending = false;
    }
  }

  /** Writes this person's changes over what was saved meanwhile. */
  async keepMine(): Promise<boolean> {
    this.#etag = this.#theirTag;
    this.theirs = undefined;
    return this.save();
  }

  async #refused(error: unknown): Promise<void> {
    this.failure = error;
    if (!(error instanceof ApiError) || error.status !== 412) return;
    try {
      const { read, etag } = await this.#read();
      this.theirs = read;
      this.#theirTag = etag;
    } catch (gone) {
      this.failure = gone;
    }
  }
}
