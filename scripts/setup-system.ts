/**
 * Installs, by name, the distribution packages that the tests use. `npm run setup:system` runs it; `CI=true npm test`
 * implies it. No daemon is started.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { argv, env, execPath } from 'node:process'

/** Debian's name of each package, and the program by which one sees that it is there. */
const packages = [
  { name: 'nftables', program: 'nft', why: 'egress rules by user' },
  { name: 'util-linux', program: 'setpriv', why: 'no_new_privs and user ids for the processes' },
  { name: 'softhsm2', program: 'softhsm2-util', why: 'an HSM in software, for the tests of the root key' },
  { name: 'chromium', program: 'chromium', why: 'a browser, for the tests of what runs in pages' },
  { name: 'redis-server', program: 'redis-server', why: 'limits that several gateways share' },
  { name: 'nginx', program: 'nginx', why: 'a proxy in front of the gateway, for the tests of request smuggling' },
  { name: 'haproxy', program: 'haproxy', why: 'another proxy in front of the gateway, for the same tests' },
  { name: 'slowhttptest', program: 'slowhttptest', why: 'slow clients, for the tests of denial of service' },
  { name: 'openssl', program: 'openssl', why: 'another implementation of OCSP, for the tests of stapling' },
  { name: 'testssl.sh', program: 'testssl', why: 'what an auditor asks of a TLS server' },
  { name: 'g++', program: 'g++', why: 'builds the native part of pkcs11js' },
  { name: 'make', program: 'make', why: 'builds the native part of pkcs11js' },
  { name: 'python3', program: 'python3', why: 'node-gyp, which builds the native part of pkcs11js' },
] as const

const installMsMax = 300_000

export function setUpSystem(): void {
  installPackages()
  run(execPath, [join(import.meta.dirname, '..', 'bin', 'build-pkcs11.js')])
}

function installPackages(): void {
  const missing = packages.filter(({ program }) => !isInstalled(program))
  if (missing.length === 0) return console.log('setup:system: everything is there')
  for (const { name, program, why } of missing) console.log(`setup:system: ${program} is missing (package ${name}: ${why})`)
  if (process.platform !== 'linux' || !isInstalled('apt-get')) return console.log('setup:system: no apt-get here; install them by hand')
  if (process.getuid?.() !== 0) return console.log('setup:system: only root can install packages')
  const names = missing.map(({ name }) => name)
  withoutStartingDaemons(() => {
    run('apt-get', ['update', '-q'])
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names])
  })
}

/** Debian asks this script before it starts what it installed (invoke-rc.d(8)); 101 is: not allowed. */
const daemonPolicy = '/usr/sbin/policy-rc.d'

function withoutStartingDaemons(install: () => void): void {
  // Somebody who has a policy has decided already.
  const isOurs = !existsSync(daemonPolicy)
  if (isOurs) writeFileSync(daemonPolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    if (isOurs) rmSync(daemonPolicy)
  }
}

function isInstalled(program: string): boolean {
  // A daemon's folder is often not on an ordinary user's path.
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function run(program: string, args: readonly string[]): void {
  console.log(`setup:system: ${program} ${args.join(' ')}`)
  const { status } = spawnSync(program, args, {
    stdio: 'inherit',
    timeout: installMsMax,
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) console.log(`setup:system: ${program} failed; tests that need the packages will skip`)
}

if (argv[1] === import.meta.filename) setUpSystem()
