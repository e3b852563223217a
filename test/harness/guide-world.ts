/**
 * The deployment that the guides speak of, on loopback: an overwatch that runs the file of
 * docs/guides/overwatch.md, its servers, and a shell in which the commands of the pages mean it.
 *
 * Addresses, ports and paths of the pages are exchanged for those of the test on the way in, and
 * back in what is printed. `systemctl` stands in for that of a machine with units, and commands of
 * opengslb-cli run in the process of the test; the rest is the real thing.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { run as runCli } from '../../src/cli/main.ts'
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
  #cli: Server | undefined

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
    const cli = cliServer(`http://127.0.0.1:${api}`)
    this.#cli = cli
    await new Promise<void>((done) => cli.listen(join(this.program.folder, 'cli.sock'), done))
    this.program.start([], guideSecrets)
    await this.program.logged('OpenGSLB running', 40_000)
  }

  async stop(): Promise<void> {
    this.#cli?.close()
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
      'opengslb-cli': asked(join(folder, 'cli.sock')),
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

/** Asks the test's own opengslb-cli by a socket: a start of Node takes longer than the rest. */
const asked = (socket: string): string =>
  [
    `mapfile -d '' -t told < <(printf '%s\\0' "$@" |`,
    `  curl -s --unix-socket ${socket} --data-binary @- http://cli/)`,
    `printf '%s' "\${told[0]}"; printf '%s' "\${told[1]}" >&2; exit "\${told[2]}"`,
  ].join('\n')

/** Runs what is asked with the real commands; words and answers are parted by zero bytes. */
function cliServer(api: string): Server {
  return createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', async () => {
      const [out, err]: [string[], string[]] = [[], []]
      const code = await runCli(body.split('\0').slice(0, -1), {
        out: (text) => void out.push(`${text}\n`),
        err: (text) => void err.push(`${text}\n`),
        env: { ...guideSecrets, OPENGSLB_API: api },
      })
      response.end(`${out.join('')}\0${err.join('')}\0${code}\0`)
    })
  })
}

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
