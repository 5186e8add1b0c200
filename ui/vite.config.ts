import { paraglideVitePlugin } from '@inlang/paraglide-js';
import staticAdapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import { findLanguages } from './languages.ts';
import { precompressed } from './precompressed.ts';
import { withoutInlineScript } from './without-inline-script.ts';
import { pageOf, wordsByPage } from './words-by-page.ts';

findLanguages(import.meta.dirname);

/** The box that `vite` in development speaks to: a mock (ui/mock) or a real appliance. */
const box = process.env.STRONGROOM_UI_BOX ?? 'http://127.0.0.1:27000';

const part = (kind: string, page: string | undefined) => (page ? `${page}-${kind}` : kind);

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: `${import.meta.dirname}/project.inlang`,
      outdir: `${import.meta.dirname}/src/lib/paraglide`,
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
      isServer: 'false',
    }),
    wordsByPage(),
    sveltekit({
      adapter: precompressed(
        withoutInlineScript(staticAdapter({ pages: 'build', assets: 'build', fallback: 'index.html' }), 'build'),
        'build',
      ),
      version: { pollInterval: 0 },
    }),
  ],
  build: {
    chunkSizeWarningLimit: 300,
    rolldownOptions: {
      output: {
        // Hundreds of words and icons are a file for each part of the desktop, not a request each; so is what every page needs.
        codeSplitting: {
          groups: [
            { name: 'locale', test: /paraglide[\\/](runtime|registry)/ },
            {
              debugName: 'words',
              name: (id, context) =>
                part(
                  'words',
                  pageOf(id, (one) => context.getModuleInfo(one)),
                ),
              test: /paraglide/,
            },
            {
              debugName: 'icons',
              name: (id, context) =>
                part(
                  'icons',
                  pageOf(id, (one) => context.getModuleInfo(one)),
                ),
              test: /@lucide/,
            },
            { name: 'base', test: /node_modules[\\/](svelte|clsx|esm-env)[\\/]/ },
            // Not what opens by a click: it brings along what places and traps it.
            {
              name: 'desk',
              test: /src[\\/]lib[\\/](?!controls[\\/](Dialog|PopBody|MenuBody|Columns))/,
              minShareCount: 6,
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
      // The box answers its own pages only: it is asked as if these were.
      '/api': {
        target: box,
        ws: true,
        rewriteWsOrigin: true,
        secure: false,
        changeOrigin: true,
        headers: { origin: box },
      },
      '/sip': { target: box, ws: true, rewriteWsOrigin: true, secure: false },
    },
  },
});
