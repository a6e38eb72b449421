import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@ngome/kernel'
import { formatPkcs11Uri, processFolder, type Config, type Environment } from '@ngome/runtime'
import { writePrivateFile } from './private-file.ts'

/** By these the vendors' modules find their own configuration: SoftHSM, Thales Luna, YubiHSM, Entrust nShield. */
const moduleVariables = ['SOFTHSM2_CONF', 'ChrystokiConfigurationPath', 'YUBIHSM_PKCS11_CONF', 'NFAST_HOME'] as const
const pinBytesMax = 4096
const othersBits = 0o077

/** Whether the custodian loads a PKCS#11 module, which Node's permission model must be told. */
export function needsAddon({ custodian }: Config): boolean {
  return custodian.rootKey.kind === 'pkcs11'
}

/** What the custodian finds in its environment of its root key: the PIN is in its own folder, the module as configured. */
export function rootKeyEnvironment(env: Environment, config: Config): Record<string, string> {
  const { rootKey } = config.custodian
  if (rootKey.kind !== 'pkcs11') return {}
  const passed = moduleVariables.flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(passed), NGOME_ROOT_KEY: formatPkcs11Uri({ ...rootKey.uri, pinSource: pinPath(config) }) }
}

/**
 * Puts the PIN where the custodian, as a user of its own, can read it; and takes it away where it needs none.
 * @throws Fault `launcher/failed` where the PIN's file is missing, or others may read it
 */
export function placePin(config: Config, owner: number | undefined): void {
  const { rootKey } = config.custodian
  if (rootKey.kind !== 'pkcs11') return rmSync(pinPath(config), { force: true })
  const pin = readPin(rootKey.uri.pinSource)
  writePrivateFile(pinPath(config), pin, owner)
  pin.fill(0)
}

function pinPath(config: Config): string {
  return join(processFolder(config, 'custodian'), 'root-key.pin')
}

function readPin(path: string): Buffer {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new Fault('launcher/failed', `the root key's PIN cannot be read: check pin-source, ${path}`, { cause })
  }
  try {
    const found = fstatSync(file)
    const isPrivate = found.isFile() && (found.mode & othersBits) === 0 && found.size <= pinBytesMax
    if (!isPrivate) throw new Fault('launcher/failed', `${path} must be a file that others cannot read: chmod 600`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}
