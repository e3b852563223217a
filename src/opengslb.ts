#!/usr/bin/env node
/**
 * The first module of `opengslb`: hears signals, then loads the rest.
 *
 * Loading takes a fifth of a second and more, in which a SIGHUP would end a process that has no
 * handler for it yet. So this file imports next to nothing before the handlers are there.
 */
import { hearSignals } from './cli/signals.ts'

const signals = hearSignals()
const { run } = await import('./bootstrap.ts')
await run(signals)
