import type { Plugin } from 'vite';

const IMPORT = /import\s*\{\s*m\s*\}\s*from\s*["']#lib\/paraglide\/messages\.js["'];?/;

/**
 * In the build every file names the words it says (`m.accept()` becomes an import of that word alone), so that words of
 * the supervisor's and the administrator's pages are not part of an agent's first page.
 */
export function wordsByPage(): Plugin {
  return {
    name: 'words-by-page',
    apply: 'build',
    enforce: 'post',
    transform(code, id) {
      if (!id.includes('/ui/src/') || !IMPORT.test(code)) return null;
      const said = new Set<string>();
      const text = code.replace(IMPORT, '').replace(/(?<![\w$.])m\.(\w+)/g, (_, word: string) => {
        said.add(word);
        return `word_${word}`;
      });
      const imports = [...said].map(
        (word) => `import { ${word} as word_${word} } from '#lib/paraglide/messages/${word}.js';`,
      );
      return { code: `${imports.join('')}${text}`, map: null };
    },
  };
}

type Importers = (id: string) => { importers: string[] } | null;

/** `admin` when only pages of the administration import it, and so on; undefined when others do too. */
export function pageOf(id: string, getModuleInfo: Importers): string | undefined {
  const pages = new Set(
    (getModuleInfo(id)?.importers ?? []).map((one) => /\/routes\/\(desk\)\/(\w+)\//.exec(one)?.[1] ?? 'all'),
  );
  const [page] = pages;
  return pages.size === 1 && page !== 'all' && page !== 'agent' ? page : undefined;
}
