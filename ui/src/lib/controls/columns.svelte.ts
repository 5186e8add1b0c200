interface Choosable {
  key: string;
  extra?: boolean;
}

/** Which columns of a table somebody sees. Kept on this computer; the first column, which leads on, always stays. */
export class ShownColumns {
  readonly #key: string;
  #changed = $state.raw<Readonly<Record<string, boolean>>>({});

  constructor(table: string) {
    this.#key = `strongroom.columns.${table}`;
    this.#changed = read(this.#key);
  }

  has(column: Choosable): boolean {
    return this.#changed[column.key] ?? !column.extra;
  }

  of<T extends Choosable>(columns: readonly T[]): T[] {
    return columns.filter((column, place) => place === 0 || this.has(column));
  }

  toggle(column: Choosable): void {
    this.#changed = { ...this.#changed, [column.key]: !this.has(column) };
    localStorage.setItem(this.#key, JSON.stringify(this.#changed));
  }
}

function read(key: string): Record<string, boolean> {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? '{}') ?? {}) as Record<string, boolean>;
  } catch {
    return {};
  }
}
