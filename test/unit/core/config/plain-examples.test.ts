// Goal: what is kept of a configuration, for plans, capsules and the past, loads again, serves the
// same names from the same servers, and places the same clients. Method: every example there is.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeFiles } from '../../../../src/cli/config-files.ts'
import { textFiles } from '../../../../src/core/config/files.ts'
import { geoConfigOf } from '../../../../src/core/config/geography.ts'
import { loadConfig, type Loaded } from '../../../../src/core/config/load.ts'
import { root } from '../../../harness/source.ts'

const folder = join(root, 'config/examples')
const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const TOKEN = 'a-token-of-sixteen-chars'
const WORDS = {
  ...{ GOSSIP_KEY: `${'A'.repeat(43)}=`, SERVICE_TOKEN: TOKEN },
  ...{ WEBAPP_TOKEN: TOKEN, API_TOKEN: TOKEN },
}

const served = ({ topology, config }: Loaded) => ({
  pools: topology.pools,
  zones: topology.zones.map(({ apex }) => apex),
  regions: topology.regions,
  geo: geoConfigOf(config),
})

describe('what is kept of a configuration', () => {
  for (const name of examples)
    test(`${name} serves the same`, () => {
      const whole = loadConfig(join(folder, name), { files: nodeFiles(), env: WORDS })
      if (!whole.ok) throw new Error(JSON.stringify(whole.error))
      const { plain, config } = whole.value
      if (config.mode === 'agent') return
      const files = textFiles({ ...plain.files, 'kept.yaml': plain.text })
      const again = loadConfig('kept.yaml', { files, env: {} })
      if (!again.ok) throw new Error(again.error.map(({ message }) => message).join())
      expect(served(again.value).geo).toEqual(served(whole.value).geo)
      expect(served(again.value).zones).toEqual(served(whole.value).zones)
      const names = ({ pools }: ReturnType<typeof served>) =>
        pools.map(({ name: pool, policy, members }) => [
          pool,
          policy,
          members.map((one) => one.key),
        ])
      expect(names(served(again.value))).toEqual(names(served(whole.value)))
    })
})
