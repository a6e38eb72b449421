import { X509Certificate } from 'node:crypto'
import { Fault } from '@ngome/kernel'
import { readForeignFile, writePrivateFile } from './private-file.ts'

/**
 * Copies the authority's certificate from the custodian's folder to where all may read it: the certificate alone,
 * written anew, whatever else the file holds.
 * @param owner the custodian's user, where it is not us
 * @throws Fault `launcher/failed` where there is no authority's certificate
 */
export function publishAuthority(from: string, to: string, owner: number | undefined): void {
  const certificate = parse(readForeignFile(from, owner))
  if (certificate?.ca !== true) throw new Fault('launcher/failed', `${from} holds no certificate of an authority`)
  writePrivateFile(to, certificate.toString(), undefined, 0o644)
}

function parse(bytes: Buffer | undefined): X509Certificate | undefined {
  try {
    return bytes === undefined ? undefined : new X509Certificate(bytes)
  } catch {
    return undefined
  }
}
