#!/usr/bin/env node
/**
 * `docker` as the scripts of the demos call it, for the hosts of a lab: exec, stop, start, restart,
 * logs, ps. The folder of the lab is in OPENGSLB_LAB.
 */
import { Lab } from './engine.mjs'

const [verb, ...words] = process.argv.slice(2)
const folder = process.env.OPENGSLB_LAB

function refuse(why) {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

if (folder === undefined) refuse('OPENGSLB_LAB names no lab')
const lab = new Lab(folder)
const names = words.filter((word) => !word.startsWith('-'))

const verbs = {
  exec: () => {
    const [name, ...command] = words.slice(words.findIndex((word) => !word.startsWith('-')))
    process.exitCode = lab.exec(name, command).status ?? 1
  },
  stop: () => names.forEach((name) => void lab.stop(name)),
  start: () => names.forEach((name) => void lab.start(name)),
  restart: () =>
    names.forEach((name) => {
      lab.stop(name)
      lab.start(name)
    }),
  logs: () => process.stdout.write(lab.logs(names[0] ?? '')),
  ps: () => {
    for (const { name } of lab.hosts)
      process.stdout.write(`${name} ${lab.pid(name) === undefined ? 'stopped' : 'running'}\n`)
  },
}

if (verbs[verb] === undefined) refuse(`this lab has no "docker ${verb ?? ''}"`)
try {
  verbs[verb]()
} catch (error) {
  refuse(error.message)
}
