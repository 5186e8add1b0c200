import { getAll } from '#lib/api/client.ts';

interface Coded {
  code: string;
  label: string;
}

/** Words for the codes that administrators chose. Until they are read, or when one is gone, the code speaks for itself. */
class Labels {
  #reasons = $state.raw<ReadonlyMap<string, string>>(new Map());
  #dispositions = $state.raw<ReadonlyMap<string, string>>(new Map());

  reason(code: string): string {
    return this.#reasons.get(code) ?? code;
  }

  disposition(code: string): string {
    return this.#dispositions.get(code) ?? code;
  }

  async load(): Promise<void> {
    const [reasons, dispositions] = await Promise.all([read('/reasons'), read('/dispositions')]);
    this.#reasons = reasons;
    this.#dispositions = dispositions;
  }
}

async function read(path: string): Promise<ReadonlyMap<string, string>> {
  const all = await getAll<Coded>(path).catch((): Coded[] => []);
  return new Map(all.map(({ code, label }) => [code, label]));
}

export const labels = new Labels();
