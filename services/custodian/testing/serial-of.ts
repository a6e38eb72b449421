import { X509Certificate } from 'node:crypto'

/** The serial number of a certificate (PEM), as the custodian writes it. */
export function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber.toLowerCase()
}
