import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const source = join(root, 'packages', 'sdk')

/** What the package says of itself once it is built; in the repository it is its sources. */
function manifest(): object {
  const { name, version, license, type } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Readonly<Record<string, string>>
  const entry = (path: string): object => ({ types: `${path}.d.ts`, default: `${path}.js` })
  return {
    name, version, license, type,
    description: 'The API of an Ngome platform, for servers and browsers.',
    engines: { node: '>=20' },
    sideEffects: false,
    exports: { '.': { node: entry('./mod'), browser: entry('./browser/mod'), default: entry('./browser/mod') } },
  }
}

/**
 * Builds the SDK as it is published: ES modules for Node 20 and browsers, and their types.
 * @param folder where to; made, and not emptied before
 * @throws Error with the compiler's words
 */
export function buildSdk(folder: string): void {
  mkdirSync(folder, { recursive: true })
  compile(folder, ['--removeComments'])
  // The words are for whoever reads types in an editor.
  compile(folder, ['--declaration', '--emitDeclarationOnly'])
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
  copyFileSync(join(source, 'README.md'), join(folder, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
}

function compile(folder: string, flags: readonly string[]): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    tsc, '-p', join(source, 'tsconfig.build.json'), '--outDir', folder, ...flags,
  ], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the SDK does not compile: ${stdout}${stderr}`)
}
