/**
 * Turns the chunks of a bundle from modules into bodies of functions, which `run-load.cjs` runs.
 *
 * V8 keeps compiled code of scripts for a later start, but Node offers that to no module. The only
 * thing lost is a binding that changes after its module ran, so such an export fails the build.
 */
import { createHash } from 'node:crypto'
import { parseAst } from 'vite'

const nameOf = (file) => file.slice(0, -'.js'.length)
const textOf = (node) => (node.type === 'Literal' ? node.value : node.name)

/** `{ a: b }` for what an import names. */
function boundBy({ specifiers }, from) {
  const whole = specifiers.find(({ type }) => type === 'ImportNamespaceSpecifier')
  const lines = []
  if (whole !== undefined) lines.push(`const ${whole.local.name} = ${from};`)
  const named = specifiers.flatMap(({ type, imported, local }) => {
    // A package outside the bundle is CommonJS, and its default export is all of it.
    if (type === 'ImportDefaultSpecifier') lines.push(`const ${local.name} = ${from};`)
    if (type !== 'ImportSpecifier') return []
    const theirs = textOf(imported)
    if (theirs === 'default') lines.push(`const ${local.name} = ${from};`)
    return theirs === 'default' ? [] : [`${JSON.stringify(theirs)}: ${local.name}`]
  })
  if (named.length > 0) lines.push(`const { ${named.join(', ')} } = ${from};`)
  return lines.length > 0 ? lines.join(' ') : `${from};`
}

function exported({ specifiers }) {
  return specifiers
    .map(({ local, exported }) => `exports[${JSON.stringify(textOf(exported))}] = ${local.name};`)
    .join(' ')
}

/** The names that a pattern binds. */
function bound(pattern, into) {
  if (pattern === null) return
  if (pattern.type === 'Identifier') into.add(pattern.name)
  for (const one of [
    ...(pattern.elements ?? []),
    ...(pattern.properties ?? []).map(({ value, argument }) => value ?? argument),
    pattern.left ?? null,
    pattern.argument ?? null,
  ])
    if (one !== null) bound(one, into)
}

const isFunction = ({ type }) => /^(Arrow)?Function/.test(type)

/** What a function declares, anywhere in it but in functions within. */
function declaredIn(node, into) {
  if (node === null || typeof node !== 'object') return into
  if (Array.isArray(node)) {
    for (const one of node) declaredIn(one, into)
    return into
  }
  if (node.type === 'VariableDeclarator') bound(node.id, into)
  if (node.type === 'CatchClause' && node.param) bound(node.param, into)
  if (/^(Function|Class)Declaration$/.test(node.type) && node.id) into.add(node.id.name)
  if (!isFunction(node)) for (const one of Object.values(node)) declaredIn(one, into)
  return into
}

/** The names of the top that are assigned inside a function, so perhaps after the module ran. */
function assignedLater(node, shadowed, isInside, found) {
  if (node === null || typeof node !== 'object') return found
  if (Array.isArray(node)) {
    for (const one of node) assignedLater(one, shadowed, isInside, found)
    return found
  }
  let inner = shadowed
  if (isFunction(node)) {
    inner = new Set(shadowed)
    for (const one of node.params) bound(one, inner)
    if (node.id) inner.add(node.id.name)
    declaredIn(node.body, inner)
  }
  const targets = new Set()
  if (node.type === 'AssignmentExpression') bound(node.left, targets)
  if (node.type === 'UpdateExpression') bound(node.argument, targets)
  if (isInside) for (const name of targets) if (!inner.has(name)) found.add(name)
  for (const one of Object.values(node))
    assignedLater(one, inner, isInside || isFunction(node), found)
  return found
}

/** One octet a character is read as it lies in the file; strings and patterns mean the same. */
const inAscii = (text) =>
  text.replace(/[^\x00-\x7f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

function bodyOf({ fileName, code }) {
  const { body } = parseAst(code)
  const assigned = assignedLater(body, new Set(), false, new Set())
  const edits = []
  for (const node of body) {
    if (node.type === 'ImportDeclaration') {
      const from = node.source.value
      const part = from.startsWith('./') ? `./${nameOf(from.slice(2))}.cjs` : from
      edits.push([node.start, node.end, boundBy(node, `require(${JSON.stringify(part)})`)])
    } else if (node.type === 'ExportNamedDeclaration') {
      if (node.declaration || node.source) throw new Error(`${fileName}: an export of another kind`)
      for (const { local } of node.specifiers)
        if (assigned.has(local.name)) throw new Error(`${fileName}: ${local.name} changes`)
      edits.push([node.start, node.end, exported(node)])
    } else if (node.type.startsWith('Export')) throw new Error(`${fileName}: ${node.type}`)
  }
  let text = code
  for (const [start, end, line] of edits.reverse())
    text = text.slice(0, start) + line + text.slice(end)
  // What a library or the bundler itself asks is answered with the folder of the bundle.
  text = text.replace(/^#!.*/, '').replaceAll('import.meta.url', '__runUrl')
  const ascii = inAscii(text)
  // By it the compiled code is found: V8 itself compares no more than the length of the text.
  const tag = createHash('sha256').update(ascii).digest('hex').slice(0, 12)
  return `/*${tag}*/'use strict';${ascii}`
}

/** Fails where two chunks wait for each other: a body runs to its end before it exports. */
function checkOrder(output) {
  const imports = new Map(output.map(({ fileName, imports: list = [] }) => [fileName, list]))
  const done = new Set()
  const visit = (file, path) => {
    if (path.includes(file)) throw new Error(`chunks in a circle: ${[...path, file].join(' ')}`)
    if (done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
}

/** The text of each part by its name. */
export function asParts(output) {
  checkOrder(output)
  return new Map(output.map((chunk) => [nameOf(chunk.fileName), bodyOf(chunk)]))
}
