/**
 * The documents made from the schema: config/reference.yaml, docs/reference/configuration.md and
 * docs/reference/config.schema.json. Each is a pure function of the schema, so a test can tell when
 * a checked-in copy is stale.
 */
export { configPaths } from './document/paths.ts'
export { jsonSchema } from './document/json.ts'
export { referenceMarkdown } from './document/markdown.ts'
export { referenceYaml } from './document/yaml.ts'
