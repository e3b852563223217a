/** `npm run build`: sets up and builds all, starts nothing. */
import { setup } from './lib/setup.mjs'

setup()
process.stdout.write('Built. Run it with: npx opengslb --config FILE\n')
