/**
 * The deployment that the guides speak of, on loopback: an overwatch that runs the file of
 * docs/guides/overwatch.md, its servers, and a shell in which the commands of the pages mean it.
 *
 * Addresses, ports and paths of the pages are exchanged for those of the test on the way in, and
 * back in what is printed. `systemctl` and `journalctl` stand in for those of a machine with units;
 * everything else is the real program.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Backend, startBackends } from './backends.ts'
import { freePort, Program, projectRoot } from './program.ts'

const servers: Readonly<Record<string, string>> = {
  '10.0.1.10': '127.0.0.71',
  '10.0.1.11': '127.0.0.72',
  '10.0.2.10': '127.0.0.73',
}

export interface Told {
  readonly code: number | null
  readonly output: string
}

export class GuideWorld {
  readonly program = new Program('')
  readonly #ports = { dns: 0, api: 0, metrics: 0 }
  #backends: readonly Backend[] = []

  /** @param yaml the file of the guide; its checks are those of a server on port 80 */
  async start(yaml: string): Promise<void> {
    this.#backends = await startBackends(Object.values(servers))
    const [dns, api, metrics] = [await freePort(), await freePort(), await freePort()]
    Object.assign(this.#ports, { dns, api, metrics })
    this.program.configure(
      this.#inward(yaml)
        .replace(/listen_address: .*/, `listen_address: "127.0.0.1:${dns}"`)
        .replaceAll('port: 80,', `port: ${this.#backends[0]?.port},`)
        .replace(/0\.0\.0\.0:7946/, `127.0.0.1:${await freePort()}`)
        .replace(/0\.0\.0\.0:8080/, `127.0.0.1:${api}`)
        .replace(/0\.0\.0\.0:9090/, `127.0.0.1:${metrics}`),
    )
    this.#shims()
    this.program.start([], guideSecrets)
    await this.program.logged('OpenGSLB running', 20_000)
  }

  async stop(): Promise<void> {
    await this.program.remove()
    await Promise.all(this.#backends.map((backend) => backend.stop()))
  }

  /** Runs the lines of a block in one shell that ends at the first fault. */
  async type(text: string): Promise<Told> {
    const { folder } = this.program
    const child = spawn('bash', ['-euo', 'pipefail', '-c', this.#inward(text)], {
      cwd: folder,
      env: {
        ...process.env,
        ...guideSecrets,
        PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
        OPENGSLB_API: `http://127.0.0.1:${this.#ports.api}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearTimeout(late)
    return { code, output: this.#outward(output) }
  }

  #exchanges(): readonly (readonly [string, string])[] {
    const { folder, configPath } = this.program
    return [
      ...Object.entries(servers),
      ['/etc/opengslb/config.yaml', configPath],
      ['/etc/opengslb', folder],
      ['/var/lib/opengslb', join(folder, 'data')],
      ['/var/backups', join(folder, 'backups')],
      ['/run/opengslb', join(folder, 'run')],
      ['localhost:8080', `127.0.0.1:${this.#ports.api}`],
      ['localhost:9090', `127.0.0.1:${this.#ports.metrics}`],
    ]
  }

  #inward(text: string): string {
    return this.#exchanges().reduce((all, [page, test]) => all.replaceAll(page, test), text)
  }

  #outward(text: string): string {
    return this.#exchanges().reduce((all, [page, test]) => all.replaceAll(test, page), text)
  }

  #shims(): void {
    const { folder } = this.program
    for (const name of ['bin', 'data', 'backups', 'run'])
      mkdirSync(join(folder, name), { recursive: true })
    const pid = `$(cat ${join(folder, 'data', 'owner.pid')})`
    const node = `exec "${process.execPath}" "${join(projectRoot, 'dist')}`
    const shims = {
      'opengslb-cli': remembered(folder, `${node}/cli/main.js" "$@"`),
      opengslb: `${node}/opengslb.js" "$@"`,
      sudo: 'if [ "$1" = -u ]; then shift 2; fi; exec "$@"',
      dig: `exec "$(PATH="\${PATH#*:}" command -v dig)" -p ${this.#ports.dns} "$@"`,
      systemctl: [
        'case $* in',
        `"reload opengslb") kill -HUP ${pid} ;;`,
        '"is-active opengslb") echo active ;;',
        '*) echo "not of this test: systemctl $*" >&2; exit 9 ;;',
        'esac',
      ].join('\n'),
    }
    for (const [name, text] of Object.entries(shims)) {
      const path = join(folder, 'bin', name)
      writeFileSync(path, `#!/bin/bash\n${text}\n`)
      chmodSync(path, 0o755)
    }
  }
}

/**
 * A command that reads, and was done once, is not run again: pages show the same looks many times,
 * and a start of Node takes longer than all the rest. No block that a test types changes anything.
 */
const remembered = (folder: string, command: string): string =>
  [
    `file="${folder}/said-$(printf %s "$*" | cksum | tr ' ' -)"`,
    'if [ -f "$file" ]; then cat "$file"; exit 0; fi',
    `( ${command} ) > "$file.new"; code=$?`,
    'cat "$file.new"',
    'case " $* " in *" export "* | *" capsule "* | *" -o "*) exit $code ;; esac',
    '[ $code = 0 ] && mv "$file.new" "$file"',
    'exit $code',
  ].join('\n')

/** Values for the variables that files of the pages name. */
export const guideSecrets: Readonly<Record<string, string>> = {
  GOSSIP_KEY: 'jeoNDl1S/TnUZqIvRN6i+BSnIyEh4dYbiSaOfKyLmvk=',
  DNSSEC_KEY_SECRET: 'jeoNDl1S/TnUZqIvRN6i+BSnIyEh4dYbiSaOfKyLmvk=',
  DNS_COOKIE_SECRET: '000102030405060708090a0b0c0d0e0f',
  SERVICE_TOKEN: 'a token of the test, long enough',
  WEBAPP_TOKEN: 'a token of the test, long enough',
  PEERING_SECRET: 'a secret of the test, long enough',
  ETCD_PASSWORD: 'a password of the test',
}
