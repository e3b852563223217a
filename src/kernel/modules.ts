/**
 * Loads a module by its address, which only the running system knows.
 *
 * The bundle of the build (`scripts/lib/bundle.mjs`) puts another body in its place, which takes a
 * part of the bundle with the code that V8 has compiled ahead; everything else is imported.
 */

/** Rejects where the module is missing or throws. */
export const loadModule = async (url: string): Promise<Record<string, unknown>> =>
  (await import(url)) as Record<string, unknown>

/**
 * Has threads that are made from now on load what is there now, whatever comes in its place: an
 * actor that is started again after an upgrade was unpacked must fit those that go on. Only the
 * bundle can.
 */
export const keepModules = (): void => {}
