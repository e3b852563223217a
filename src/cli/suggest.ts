/**
 * "Did you mean": the service a person had in mind, from those the node has.
 */
import { nearest } from '../core/config/nearest.ts'
import { CommandFailed } from './failure.ts'
import type { Shell } from './shell.ts'

interface Stats {
  readonly backends_by_service?: Readonly<Record<string, number>>
}

/** A hint for a service that was not found; undefined when it is there or none is like it. */
export async function hintOfService(shell: Shell, service: string): Promise<string | undefined> {
  const reply = await shell.api.ask('GET', '/api/v1/overwatch/stats')
  if (!reply.ok) return undefined
  const names = Object.keys((reply.value.value as Stats).backends_by_service ?? {})
  const wanted = service.toLowerCase().replace(/\.$/, '')
  if (names.includes(wanted)) return undefined
  const near = nearest(wanted, names) ?? names.find((name) => name.startsWith(`${wanted}.`))
  if (near !== undefined) return `did you mean the service "${near}"?`
  return '"opengslb-cli servers" lists the services there are'
}

/** Runs `act`; a "not found" of the API gets the nearest service as its hint. */
export async function withService<T>(
  shell: Shell,
  service: string | undefined,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.status !== 404 || service === undefined)
      throw error
    const hint = await hintOfService(shell, service)
    if (hint === undefined) throw error
    throw new CommandFailed(error.message, { exit: error.exit, status: error.status, hint })
  }
}
