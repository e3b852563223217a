import { describe, expect, test } from 'vitest'
import { globFiles, matchesStep } from '../../../../src/core/config/glob.ts'
import { load, loaded } from './load-text.ts'
import { memoryFiles } from './memory-files.ts'

const ZONES = 'dns: { zones: [example.com] }\n'
const main = (...includes: string[]) => `${ZONES}includes: [${includes.join(', ')}]\n`
const region = (name: string) => `regions: [{ name: ${name} }]\n`
const names = (files: Parameters<typeof loaded>[0]) =>
  loaded(files).config.regions.map((one) => one.name)

describe('globs', () => {
  test.each([
    ['*.yaml', 'a.yaml', true],
    ['*.yaml', '.a.yaml', false],
    ['.*.yaml', '.a.yaml', true],
    ['?.yaml', 'ab.yaml', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['[', '[', true],
    ['*', '', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(matchesStep(pattern, name)).toBe(expected)
  })

  const files = memoryFiles({
    'conf/b.yaml': '',
    'conf/a.yaml': '',
    'conf/x/c.yaml': '',
    'conf/x/y/d.yaml': '',
    'conf/.git/e.yaml': '',
    'conf/x/notes.txt': '',
  })
  test.each([
    ['*.yaml', ['conf/a.yaml', 'conf/b.yaml']],
    ['**/*.yaml', ['conf/a.yaml', 'conf/b.yaml', 'conf/x/c.yaml', 'conf/x/y/d.yaml']],
    ['x/**/*.yaml', ['conf/x/c.yaml', 'conf/x/y/d.yaml']],
    ['x/**', ['conf/x/c.yaml', 'conf/x/notes.txt', 'conf/x/y/d.yaml']],
    ['**/**/d.yaml', ['conf/x/y/d.yaml']],
    ['*/c.yaml', ['conf/x/c.yaml']],
    ['none/*.yaml', []],
  ])('%s names %j, sorted', (pattern, expected) => {
    expect(globFiles(files, 'conf', pattern)).toEqual({ ok: true, value: expected })
  })

  test('an absolute pattern with ** is looked for from its own root', () => {
    const absolute = memoryFiles({ '/etc/gslb/a/b.yaml': '', '/etc/gslb/c.yaml': '' })
    expect(globFiles(absolute, 'conf', '/etc/gslb/**/*.yaml')).toEqual({
      ok: true,
      value: ['/etc/gslb/a/b.yaml', '/etc/gslb/c.yaml'],
    })
  })
})

describe('includes', () => {
  test('lists are appended, the main file first, then the files in sorted order', () => {
    expect(
      names({
        'main.yaml': `${main('r/*.yaml')}${region('m')}`,
        'r/2.yaml': region('two'),
        'r/1.yaml': region('one'),
      }),
    ).toEqual(['m', 'one', 'two'])
  })

  test('a path is relative to the file that names it', () => {
    expect(
      names({
        'main.yaml': main('a/first.yaml'),
        'a/first.yaml': 'includes: [b/second.yaml]\n',
        'a/b/second.yaml': region('deep'),
      }),
    ).toEqual(['deep'])
  })

  test('a file reached on two ways is read once', () => {
    expect(
      names({
        'main.yaml': main('left.yaml', 'right.yaml'),
        'left.yaml': 'includes: [shared.yaml]\n',
        'right.yaml': 'includes: [shared.yaml]\n',
        'shared.yaml': region('shared'),
      }),
    ).toEqual(['shared'])
  })

  test('a circle is an error that shows the way round', () => {
    const { errors } = load({
      'main.yaml': main('a.yaml'),
      'a.yaml': 'includes: [b.yaml]\n',
      'b.yaml': 'includes: [a.yaml]\n',
    })
    expect(errors).toEqual([
      'b.yaml:1:12: error: includes: includes go in a circle: a.yaml -> b.yaml -> a.yaml',
    ])
  })

  test('a circle through another name of the same file is found', () => {
    const { errors } = load({
      'main.yaml': { text: main('link.yaml') },
      'link.yaml': { text: main('link.yaml'), identity: 'main.yaml' },
    })
    expect(errors[0]).toContain('includes go in a circle: main.yaml -> link.yaml')
  })

  test('ten levels are read and an eleventh is refused', () => {
    const chain = (levels: number) =>
      Object.fromEntries([
        ['main.yaml', main('1.yaml')],
        ...Array.from({ length: levels }, (_, at) => [
          `${at + 1}.yaml`,
          at + 1 < levels ? `includes: [${at + 2}.yaml]\n` : region('last'),
        ]),
      ])
    expect(names(chain(10))).toEqual(['last'])
    expect(load(chain(11)).errors[0]).toContain('includes are nested deeper than 10')
  })

  test('a scalar or another section in an included file is refused aloud', () => {
    const { errors } = load({
      'main.yaml': main('a.yaml'),
      'a.yaml': 'mode: agent\ndns:\n  default_ttl: 5\noverwatch:\n  data_dir: /tmp\n',
    })
    expect(errors.map((line) => line.split('; ')[0])).toEqual([
      'a.yaml:1:1: error: mode: has no effect in an included file',
      'a.yaml:2:1: error: dns: has no effect in an included file',
      'a.yaml:5:3: error: overwatch.data_dir: has no effect in an included file',
    ])
  })

  test('a name defined in two files is an error with both places', () => {
    const { errors } = load({
      'main.yaml': `${main('a.yaml')}${region('same')}`,
      'a.yaml': region('same'),
    })
    expect(errors).toEqual([
      'a.yaml:1:19: error: regions[1].name: names a region that is defined already; ' +
        'the first is at main.yaml:3:19; got "same"',
    ])
  })

  test('a later token wins, with a warning that names the earlier', () => {
    const tokens = (value: string) => `overwatch: { agent_tokens: { web: ${value} } }\n`
    const outcome = load({
      'main.yaml': `${main('a.yaml')}${tokens('first')}`,
      'a.yaml': tokens('second'),
    })
    expect(outcome.loaded!.config.overwatch.agent_tokens).toEqual({ web: 'second' })
    expect(outcome.warnings.join()).toContain('replaces the token given at main.yaml:3')
    expect(outcome.warnings.join()).not.toContain('second')
  })

  test('a glob without a match is a warning, a named file that is missing an error', () => {
    const outcome = load(main('none/*.yaml'))
    expect(outcome.loaded).toBeDefined()
    expect(outcome.warnings.join()).toContain('no file matches none/*.yaml')
    expect(load(main('none.yaml')).errors[0]).toContain('file none.yaml does not exist')
  })

  test('a main file that is missing is one error', () => {
    expect(load({ 'other.yaml': '' }).errors).toEqual([
      'main.yaml: error: file main.yaml does not exist',
    ])
  })
})

describe('file modes', () => {
  const key = `${'A'.repeat(43)}=`
  const secret = `${ZONES}overwatch: { gossip: { encryption_key: "${key}" } }\n`

  test('a file everyone may read is refused when it holds a literal secret', () => {
    const { errors } = load({ 'main.yaml': { text: secret, mode: 0o644 } })
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain('is a secret in a file that everyone may read (mode 0644)')
    expect(errors[0]).toContain('chmod 640 main.yaml')
    expect(errors[0]).not.toContain(key)
  })

  test('it is only warned about when the secret comes from the environment', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file holds the reference.
    const text = secret.replace(key, '${KEY}')
    const outcome = load({ 'main.yaml': { text, mode: 0o644 } }, { env: { KEY: key } })
    expect(outcome.errors).toEqual([])
    expect(outcome.warnings.join()).toContain('may be read by everyone')
  })

  test('a dollar sign that is escaped does not make a secret come from the environment', () => {
    const text = `${ZONES}api: { auth: { tokens: ["$\${literal-secret}"] } }\n`
    expect(load({ 'main.yaml': { text, mode: 0o644 } }).errors).toHaveLength(1)
  })

  test('the mode of the file that holds the secret counts, included or main', () => {
    const files = (mode: number) => ({
      'main.yaml': { text: main('tokens.yaml'), mode: 0o644 },
      'tokens.yaml': { text: 'overwatch: { agent_tokens: { web: abc } }\n', mode },
    })
    expect(load(files(0o644)).errors[0]).toMatch(/^tokens\.yaml:1:.*agent_tokens\.web: is a secret/)
    expect(load(files(0o640)).errors).toEqual([])
  })

  test('a file everyone may write is refused, included or main', () => {
    expect(load({ 'main.yaml': { text: ZONES, mode: 0o662 } }).errors[0]).toContain(
      'main.yaml: error: may be written by everyone (mode 0662)',
    )
    const { errors } = load({
      'main.yaml': main('a.yaml'),
      'a.yaml': { text: region('a'), mode: 0o602 },
    })
    expect(errors[0]).toMatch(/^a\.yaml: error: may be written by everyone/)
  })
})
