/** Commands that need no API. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from './run.ts'

describe('config validate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'))
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }

  test('OK names what was found', async () => {
    const file = write(
      'good.yaml',
      [
        'regions:',
        '  - name: us-east',
        '    servers:',
        '      - { address: 10.0.0.1, port: 80, service: app.example.com }',
        'domains:',
        '  - { name: app.example.com, regions: [us-east] }',
      ].join('\n'),
    )
    const { code, out } = await cli(['config', 'validate', '-c', file])
    expect(out).toMatch(/^OK: .*good\.yaml \(1 domain, 1 server/)
    expect(code).toBe(0)
  })

  test('INVALID shows every problem with its place', async () => {
    const file = write('bad.yaml', 'dns:\n  listen_adress: 127.0.0.1:53\n  default_ttl: -5\n')
    const { code, err } = await cli(['config', 'validate', '-c', file])
    expect(code).toBe(1)
    expect(err).toMatch(/bad\.yaml:2:3: error: .*listen_adress/)
    expect(err).toMatch(/bad\.yaml:3:/)
    expect(err).toMatch(/Error: INVALID: .*bad\.yaml: \d+ errors$/)
  })

  test('a file that is not there is a problem too', async () => {
    const { code, err } = await cli(['config', 'validate', '-c', join(folder, 'none.yaml')])
    expect(code).toBe(1)
    expect(err).toMatch(/none\.yaml.*does not exist/)
  })
})

describe('completion', () => {
  test('the bash script completes commands, sub-commands and options', async () => {
    const { out } = await cli(['completion', 'bash'])
    const complete = (...words: string[]) => {
      const list = ['opengslb-cli', ...words].map((word) => `'${word}'`).join(' ')
      const script = `${out}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length}\n_opengslb_cli; echo "\${COMPREPLY[@]}"`
      return String(spawnSync('bash', ['-c', script]).stdout).trim()
    }
    expect(complete('st')).toBe('status')
    expect(complete('overrides', 's')).toBe('set')
    expect(complete('overrides', 'set', '--re')).toBe('--reason')
    expect(complete('--js')).toBe('--json')
  })

  for (const shell of ['zsh', 'fish', 'powershell']) {
    test(`the ${shell} script names every command`, async () => {
      const { code, out } = await cli(['completion', shell])
      expect(code).toBe(0)
      for (const word of ['status', 'overrides', 'routing', '--reason']) expect(out).toContain(word)
    })
  }
})
