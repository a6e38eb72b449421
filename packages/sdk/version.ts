/** What a request says that it comes from; a test holds it to `package.json`. */
export const sdkVersion = '0.1.0'
