// The order matters: the library refuses to load without these three functions.
import './reflect-metadata.ts'
export * as x509 from '@peculiar/x509'
