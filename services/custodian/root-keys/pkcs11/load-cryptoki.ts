import { Fault } from '@ngome/kernel'
import type { Cryptoki } from './cryptoki.ts'

type Addon = { readonly PKCS11: new () => Cryptoki & { load(path: string): void } }

/**
 * Loads a PKCS#11 module through the package `pkcs11js`, whose native part is there only where it could be built. The
 * library runs inside this process: it must be the vendor's own file, which nobody else may write.
 * @throws Fault `custodian/start_refused` where the package or the library cannot be loaded
 */
export async function loadCryptoki(
  modulePath: string, importAddon: () => Promise<Addon> = () => import('pkcs11js'),
): Promise<Cryptoki> {
  let addon: Addon
  try {
    addon = await importAddon()
  } catch (cause) {
    const advice = 'run npm run setup:system, which installs a compiler and builds it'
    throw new Fault('custodian/start_refused', `pkcs11js is not built on this machine: ${advice}`, { cause })
  }
  const module = new addon.PKCS11()
  try {
    module.load(modulePath)
  } catch (cause) {
    throw new Fault('custodian/start_refused', `${modulePath} cannot be loaded: is the HSM's software installed there?`, { cause })
  }
  return module
}
