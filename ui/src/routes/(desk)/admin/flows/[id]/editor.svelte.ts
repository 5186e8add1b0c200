import type { FlowProblem } from '#appliance/contract/flow.ts';
import { ApiError, get, getVersioned, post, put } from '#lib/api/client.ts';
import { arranged } from './arrange.ts';
import {
  type Draft,
  type DraftStep,
  draftOf,
  freshId,
  freshStep,
  type Place,
  type StepType,
  slotsOf,
  withoutSteps,
  withWay,
} from './draft.ts';

export interface Version {
  id: string;
  number: number;
  note: string | null;
  publishedAt: string;
  published: boolean;
}

/** Changes that follow each other this closely in one field are one step back. */
const TYPING_MS = 1_200;
const CHECK_AFTER_MS = 350;
const REMEMBERED = 200;

/** One flow being drawn: the draft, the way back, what the box thinks of it, and whether somebody else was here. */
export class FlowEditor {
  readonly id: string;
  readonly #now: () => number;
  #draft = $state.raw<Draft>(draftOf(undefined));
  #saved = $state.raw('');
  #undo = $state.raw<Draft[]>([]);
  #redo = $state.raw<Draft[]>([]);
  #etag = $state<string | null>(null);
  #lastEdit = { key: '', at: 0 };
  #check: ReturnType<typeof setTimeout> | undefined;
  #checks = 0;

  name = $state('');
  description = $state<string | null>(null);
  publishedVersionId = $state<string | null>(null);
  versions = $state.raw<Version[]>([]);
  selected = $state<string | null>(null);
  problems = $state.raw<FlowProblem[]>([]);
  loaded = $state(false);
  pending = $state(false);
  /** Somebody else has saved since this was read. */
  conflict = $state(false);
  failure = $state.raw<unknown>();
  checkFailure = $state.raw<unknown>();

  constructor(id: string, now: () => number = () => performance.now()) {
    this.id = id;
    this.#now = now;
  }

  get draft(): Draft {
    return this.#draft;
  }
  get dirty(): boolean {
    return this.loaded && JSON.stringify(this.#draft) !== this.#saved;
  }
  get canUndo(): boolean {
    return this.#undo.length > 0;
  }
  get canRedo(): boolean {
    return this.#redo.length > 0;
  }
  get errors(): number {
    return this.problems.filter(({ severity }) => severity === 'error').length;
  }
  get step(): DraftStep | undefined {
    return this.selected === null ? undefined : this.#draft.steps[this.selected];
  }
  problemsOf(step: string): FlowProblem[] {
    return this.problems.filter((problem) => problem.step === step);
  }

  async load(): Promise<void> {
    try {
      const [{ value: flow }, { value, etag }, { items }] = await Promise.all([
        getVersioned<{ name: string; description: string | null; publishedVersionId: string | null }>(
          `/flows/${this.id}`,
        ),
        getVersioned<{ document: unknown; problems: FlowProblem[] }>(`/flows/${this.id}/draft`),
        get<{ items: Version[] }>(`/flows/${this.id}/versions`),
      ]);
      this.name = flow.name;
      this.description = flow.description;
      this.publishedVersionId = flow.publishedVersionId;
      this.versions = items;
      this.#etag = etag;
      const draft = this.#placed(draftOf(value.document));
      // What was drawn here before stays one step back.
      if (this.loaded) this.#remember();
      this.#draft = draft;
      this.#saved = JSON.stringify(draft);
      this.problems = value.problems;
      this.conflict = false;
      this.failure = undefined;
      this.loaded = true;
      if (this.selected !== null && !draft.steps[this.selected]) this.selected = null;
    } catch (error) {
      this.failure = error;
    }
  }

  /** The only way to change the draft. Edits with the same key that follow each other closely are one step back. */
  edit(change: (draft: Draft) => Draft, key = ''): void {
    const next = change(this.#draft);
    if (next === this.#draft) return;
    const at = this.#now();
    const goesOn = key !== '' && key === this.#lastEdit.key && at - this.#lastEdit.at < TYPING_MS;
    this.#lastEdit = { key, at };
    if (!goesOn) this.#remember();
    this.#draft = next;
    this.#checkSoon();
  }

  undo(): void {
    this.#swap('back');
  }
  redo(): void {
    this.#swap('forth');
  }

  add(type: StepType, place?: Place): string {
    const id = freshId(this.#draft, type);
    const from = place ? undefined : this.selected;
    this.edit((draft) => {
      const step = freshStep(type, draft.language);
      const at = place ?? this.#beside(draft, from ?? null);
      let next: Draft = {
        ...draft,
        ...(Object.keys(draft.steps).length === 0 && { start: id }),
        steps: { ...draft.steps, [id]: step },
        layout: { ...draft.layout, [id]: at },
      };
      // Chosen from the list: it follows the selected step when that leads nowhere yet.
      const before = from ? draft.steps[from] : undefined;
      const open = before && slotsOf(before).find(({ to, optional }) => to === '' && !optional);
      if (from && before && open) next = { ...next, steps: { ...next.steps, [from]: withWay(before, open.label, id) } };
      return next;
    });
    this.selected = id;
    return id;
  }

  copy(id: string): void {
    const step = this.#draft.steps[id];
    if (!step) return;
    const at = this.#draft.layout?.[id] ?? { x: 0, y: 0 };
    const copyId = freshId(this.#draft, step.type);
    this.edit((draft) => ({
      ...draft,
      steps: { ...draft.steps, [copyId]: structuredClone(step) },
      layout: { ...draft.layout, [copyId]: { x: at.x + 32, y: at.y + 48 } },
    }));
    this.selected = copyId;
  }

  remove(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const gone = new Set(ids);
    this.edit((draft) => withoutSteps(draft, gone));
    if (this.selected !== null && gone.has(this.selected)) this.selected = null;
  }

  connect(from: string, label: string, to: string): void {
    this.edit((draft) => {
      const step = draft.steps[from];
      return step ? { ...draft, steps: { ...draft.steps, [from]: withWay(step, label, to) } } : draft;
    });
  }

  /** Changes fields of a step; undefined takes a field away. */
  set(id: string, fields: Record<string, unknown>, key = ''): void {
    this.edit((draft) => {
      const step = draft.steps[id];
      if (!step) return draft;
      const merged = Object.fromEntries(
        Object.entries({ ...step, ...fields }).filter(([, value]) => value !== undefined),
      );
      return { ...draft, steps: { ...draft.steps, [id]: merged as DraftStep } };
    }, key && `${id} ${key}`);
  }

  setFlow(fields: Partial<Record<'start' | 'language' | 'onError' | 'variables', unknown>>): void {
    this.edit(
      (draft) =>
        Object.fromEntries(
          Object.entries({ ...draft, ...fields }).filter(([, value]) => value !== undefined),
        ) as unknown as Draft,
    );
  }

  move(places: Record<string, Place>): void {
    const moved = Object.entries(places).some(([id, { x, y }]) => {
      const now = this.#draft.layout?.[id];
      return !now || Math.round(now.x) !== Math.round(x) || Math.round(now.y) !== Math.round(y);
    });
    if (!moved) return;
    const rounded = Object.entries(places).map(
      ([id, { x, y }]) => [id, { x: Math.round(x), y: Math.round(y) }] as const,
    );
    this.edit(
      (draft) => ({ ...draft, layout: { ...draft.layout, ...Object.fromEntries(rounded) } }),
      `move ${Object.keys(places).join()}`,
    );
  }

  arrange(): void {
    this.edit((draft) => ({ ...draft, layout: arranged(draft) }));
  }

  /** True when the box has it. With `over`, what somebody else saved meanwhile is replaced: told before, and theirs is in no version. */
  async save(over = false): Promise<boolean> {
    this.pending = true;
    try {
      if (over) this.#etag = (await getVersioned(`/flows/${this.id}/draft`)).etag;
      const sent = this.#draft;
      const { problems } = await put<{ problems: FlowProblem[] }>(
        `/flows/${this.id}/draft`,
        { document: sent },
        this.#etag,
      );
      this.#etag = (await getVersioned(`/flows/${this.id}/draft`)).etag;
      this.#saved = JSON.stringify(sent);
      if (sent === this.#draft) this.problems = problems;
      this.conflict = false;
      this.failure = undefined;
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) this.conflict = true;
      else this.failure = error;
      return false;
    } finally {
      this.pending = false;
    }
  }

  async publish(note: string): Promise<boolean> {
    if (!(await this.save())) return false;
    return this.#published(() => post(`/flows/${this.id}/publish`, { note: note || null }));
  }

  rollBack(number: number): Promise<boolean> {
    return this.#published(() => post(`/flows/${this.id}/rollback`, { number }));
  }

  /** An earlier version becomes the draft: a change as any other, that can be taken back. */
  async takeUp(number: number): Promise<void> {
    const { document } = await get<{ document: unknown }>(`/flows/${this.id}/versions/${number}`);
    this.edit(() => this.#placed(draftOf(document)));
    this.selected = null;
  }

  async check(): Promise<void> {
    const mine = ++this.#checks;
    try {
      const { problems } = await post<{ problems: FlowProblem[] }>(`/flows/${this.id}/validate`, {
        document: this.#draft,
      });
      if (mine !== this.#checks) return;
      this.problems = problems;
      this.checkFailure = undefined;
    } catch (error) {
      if (mine === this.#checks) this.checkFailure = error;
    }
  }

  close(): void {
    clearTimeout(this.#check);
  }

  async #published(act: () => Promise<unknown>): Promise<boolean> {
    this.pending = true;
    try {
      await act();
      const [{ value: flow }, { etag }, { items }] = await Promise.all([
        getVersioned<{ publishedVersionId: string | null }>(`/flows/${this.id}`),
        getVersioned(`/flows/${this.id}/draft`),
        get<{ items: Version[] }>(`/flows/${this.id}/versions`),
      ]);
      this.publishedVersionId = flow.publishedVersionId;
      this.versions = items;
      this.#etag = etag;
      this.failure = undefined;
      return true;
    } catch (error) {
      this.failure = error;
      return false;
    } finally {
      this.pending = false;
    }
  }

  #remember(): void {
    this.#undo = [...this.#undo, this.#draft].slice(-REMEMBERED);
    this.#redo = [];
  }

  #swap(way: 'back' | 'forth'): void {
    const from = way === 'back' ? this.#undo : this.#redo;
    const before = from.at(-1);
    if (!before) return;
    if (way === 'back') {
      this.#undo = from.slice(0, -1);
      this.#redo = [...this.#redo, this.#draft];
    } else {
      this.#redo = from.slice(0, -1);
      this.#undo = [...this.#undo, this.#draft];
    }
    this.#draft = before;
    this.#lastEdit = { key: '', at: 0 };
    if (this.selected !== null && !before.steps[this.selected]) this.selected = null;
    this.#checkSoon();
  }

  #checkSoon(): void {
    clearTimeout(this.#check);
    this.#check = setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  /** Steps that were never drawn get a place: all of them when none has one. */
  #placed(draft: Draft): Draft {
    const ids = Object.keys(draft.steps);
    if (ids.every((id) => draft.layout?.[id])) return draft;
    return { ...draft, layout: { ...arranged(draft), ...draft.layout } };
  }

  #beside(draft: Draft, from: string | null): Place {
    const places = Object.values(draft.layout ?? {});
    const near = from ? draft.layout?.[from] : undefined;
    let place = near ? { x: near.x + 264, y: near.y } : { x: 0, y: Math.max(0, ...places.map(({ y }) => y + 150)) };
    while (places.some(({ x, y }) => Math.abs(x - place.x) < 220 && Math.abs(y - place.y) < 90))
      place = { x: place.x, y: place.y + 110 };
    return place;
  }
}
