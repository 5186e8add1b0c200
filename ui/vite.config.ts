import { paraglideVitePlugin } from '@inlang/paraglide-js';
import staticAdapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import { withoutInlineScript } from './without-inline-script.ts';

/** The box that `vite` in development speaks to: a mock (ui/mock) or a real appliance. */
const box = process.env.STRONGROOM_UI_BOX ?? 'http://127.0.0.1:27000';

/** True of an icon that no page outside the administration imports. */
function onlyAdmin(id: string, getModuleInfo: (id: string) => { importers: string[] } | null): boolean {
  const importers = getModuleInfo(id)?.importers ?? [];
  return importers.length > 0 && importers.every((one) => one.includes('/(desk)/admin/'));
}

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: `${import.meta.dirname}/project.inlang`,
      outdir: `${import.meta.dirname}/src/lib/paraglide`,
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
      isServer: 'false',
    }),
    sveltekit({
      adapter: withoutInlineScript(staticAdapter({ pages: 'build', assets: 'build', fallback: 'index.html' }), 'build'),
      version: { pollInterval: 0 },
    }),
  ],
  build: {
    chunkSizeWarningLimit: 300,
    rolldownOptions: {
      output: {
        // Two hundred words and forty icons are one file each, not a request each.
        codeSplitting: {
          // What only the administration says and shows is not in the way of an agent's first page.
          groups: [
            { name: 'locale', test: /paraglide[\\/](runtime|registry)/ },
            { name: 'admin-words', test: /paraglide[\\/]messages[\\/]admin_/ },
            { name: 'words', test: /paraglide/ },
            {
              name: (id, context) => (onlyAdmin(id, (one) => context.getModuleInfo(one)) ? 'admin-icons' : 'icons'),
              test: /@lucide/,
            },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 27010,
    strictPort: true,
    proxy: {
      '/api': { target: box, ws: true, secure: false, changeOrigin: true },
      '/sip': { target: box, ws: true, secure: false },
    },
  },
});
