/**
 * What a child under the permission model needs to load what was compiled before, which is half of its start: under
 * `npm test` every process of a run compiles each module once for all. The product's processes have no such place: a folder
 * that they may write, and load code from, would keep what broke into one of them.
 */
export function compiledBefore(): { readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const folder = process.env['NODE_COMPILE_CACHE']
  if (folder === undefined || folder === '') return { flags: [], env: {} }
  return { flags: [`--allow-fs-read=${folder}`, `--allow-fs-write=${folder}`], env: { NODE_COMPILE_CACHE: folder } }
}
