/**
 * `key`: makes secrets on this machine, and what a configuration needs to know of them. Nothing is
 * sent anywhere.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'

/** 256 bits: nobody guesses it, so a plain hash of it is as good as a slow one. */
const TOKEN_BYTES = 32

/** AES-256 takes 32 bytes. */
const GOSSIP_KEY_BYTES = 32

/** Marks the text as a token of this program, for those who scan repositories for secrets. */
const PREFIX = 'ogslb_'

export function addKey(program: Command, io: Io): void {
  const key = program.command('key').description('keys and tokens')
  addGossipKey(key, io)
  addToken(key, io)
}

function addGossipKey(parent: Command, io: Io): void {
  parent
    .command('generate')
    .description('make a gossip key, for gossip.encryption_key of every node')
    .action((_options, command: Command) => {
      const key = randomBytes(GOSSIP_KEY_BYTES).toString('base64')
      const made = { key, algorithm: 'AES-256-GCM', bits: GOSSIP_KEY_BYTES * 8 }
      shellOf(command, io).print(made, () => key)
    })
}

function addToken(parent: Command, io: Io): void {
  parent
    .command('token')
    .description('make an API token, and the hash of it for api.auth.tokens')
    .option('--name <name>', 'name for logs and the audit trail', 'operator')
    .option('--role <role>', 'read, operate or admin', 'operate')
    .action((options: { name: string; role: string }, command: Command) => {
      const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url')
      const hash = `sha256:${createHash('sha256').update(token, 'utf8').digest('hex')}`
      const made = { name: options.name, role: options.role, token, hash }
      shellOf(command, io).print(made, () =>
        [
          `token: ${token}`,
          '',
          'Shown once: keep it where its user keeps secrets. For the configuration:',
          '',
          'api:',
          '  auth:',
          '    tokens:',
          `      - name: ${options.name}`,
          `        hash: ${hash}`,
          `        role: ${options.role}`,
        ].join('\n'),
      )
    })
}
