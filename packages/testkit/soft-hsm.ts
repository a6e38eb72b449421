import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where distributions put the module. */
const modulePaths = [
  '/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so', '/opt/homebrew/lib/softhsm/libsofthsm2.so', '/usr/local/lib/softhsm/libsofthsm2.so',
]

/** For a test's `skip`: `false` where SoftHSM and the native part of pkcs11js are there, else what is missing. */
export function softHsmIsMissing(): string | false {
  if (modulePath() === undefined || spawnSync('softhsm2-util', ['--version']).error !== undefined) return 'needs the package softhsm2'
  const addon = join(import.meta.dirname, '..', '..', 'node_modules', 'pkcs11js', 'build', 'Release', 'pkcs11.node')
  return existsSync(addon) ? false : 'needs the packages g++, make and python3, to build pkcs11js'
}

function modulePath(): string | undefined {
  return modulePaths.find((path) => existsSync(path))
}

/** A SoftHSM with one token, in a folder of its own. Its module reads `SOFTHSM2_CONF` when it is initialised. */
export class SoftHsm {
  readonly folder = mkdtempSync(join(tmpdir(), 'ngome-soft-hsm-'))
  readonly label: string
  readonly pin = '493-817'
  readonly modulePath = modulePath() ?? ''

  constructor(label = 'ngome-test') {
    this.label = label
    mkdirSync(this.tokens)
    writeFileSync(this.confPath, `directories.tokendir = ${this.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
    this.writePin(this.pin)
    this.addToken(label)
    this.openToAll()
  }

  get confPath(): string {
    return join(this.folder, 'softhsm2.conf')
  }

  get tokens(): string {
    return join(this.folder, 'tokens')
  }

  get pinPath(): string {
    return join(this.folder, 'pin')
  }

  /** What `NGOME_ROOT_KEY` is set to. */
  uri(object = 'ngome-root'): string {
    return `pkcs11:token=${this.label};object=${object}?module-path=${this.modulePath}&pin-source=file:${this.pinPath}`
  }

  writePin(pin: string): void {
    writeFileSync(this.pinPath, `${pin}\n`, { mode: 0o600 })
  }

  addToken(label: string): void {
    this.#util('--init-token', '--free', '--label', label, '--pin', this.pin, '--so-pin', '5678')
  }

  /** Puts a key into the token from outside, as somebody who keeps a copy does. */
  importKey(object: string, bytes: Uint8Array): void {
    const file = join(this.folder, 'imported')
    writeFileSync(file, bytes)
    this.#util('--import', file, '--aes', '--token', this.label, '--label', object, '--id', '01', '--pin', this.pin)
    this.openToAll()
  }

  /** As if the token was pulled out. */
  takeAway(): void {
    renameSync(this.tokens, `${this.tokens}-away`)
  }

  giveBack(): void {
    renameSync(`${this.tokens}-away`, this.tokens)
  }

  /** Processes of the platform run as users of their own; a test's token is theirs as well. */
  openToAll(): void {
    chmodSync(this.folder, 0o755)
    chmodSync(this.tokens, 0o777)
    for (const entry of readdirSync(this.tokens, { recursive: true, withFileTypes: true })) {
      chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o777 : 0o666)
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #util(...args: readonly string[]): void {
    execFileSync('softhsm2-util', args, { env: { ...process.env, SOFTHSM2_CONF: this.confPath }, stdio: 'pipe' })
  }
}
