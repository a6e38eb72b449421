// The order matters: the library refuses to load without the functions of the first file.
import './reflect-metadata.ts'
import * as x509 from '@peculiar/x509'

export { x509 }
