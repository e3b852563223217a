/**
 * Bundles src/dashboard into dist/dashboard: one page, one script, one style sheet.
 *
 * The names of script and style sheet carry a hash of their content, so that browsers may keep
 * them for ever. Nothing is fetched: the two libraries are dependencies like any other.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

await build({
  configFile: false,
  root: join(root, 'src', 'dashboard'),
  logLevel: 'warn',
  // A relative cache folder would lie beside the sources.
  cacheDir: join(root, 'node_modules', '.cache', 'opengslb-dashboard'),
  build: {
    outDir: join(root, 'dist', 'dashboard'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    // Nothing is inlined as `data:` that the Content-Security-Policy would have to allow.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
})
