/** `npm run check`: types, lint, format, and generated documents, without running a test. */
import { runBin, setup } from './lib/setup.mjs'

setup()
runBin('tsc', ['-p', 'tsconfig.test.json'])
runBin('tsc', ['-p', 'src/dashboard'])
runBin('biome', ['check', '--error-on-warnings', 'src', 'test', 'bench', 'scripts'])
await import('./generate.mjs').then(({ checkGenerated }) => checkGenerated())
process.stdout.write('check: ok\n')
