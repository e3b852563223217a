/**
 * `key`: secrets made on this machine, never sent anywhere.
 */
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { type Io, shellOf } from '../shell.ts'

/** AES-256 takes 32 bytes. */
const GOSSIP_KEY_BYTES = 32

export function addKey(program: Command, io: Io): void {
  program
    .command('key')
    .description('keys and tokens')
    .command('generate')
    .description('make a gossip key, for gossip.encryption_key of every node')
    .action((_options, command: Command) => {
      const key = randomBytes(GOSSIP_KEY_BYTES).toString('base64')
      const made = { key, algorithm: 'AES-256-GCM', bits: GOSSIP_KEY_BYTES * 8 }
      shellOf(command, io).print(made, () => key)
    })
}
