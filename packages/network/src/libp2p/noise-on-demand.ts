import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import type { NoiseComponents } from '@libp2p/noise'
import { corkWrites } from './noise-cork.ts'

/** What noise is called when encryption is negotiated. */
const PROTOCOL = '/noise'

/**
 * Noise, loaded when the first peer asks for it: those of our own kind speak TLS, and a node that starts should not wait for what it
 * will not use.
 */
export function noiseOnDemand(): (components: NoiseComponents) => ConnectionEncrypter {
  return (components) => new NoiseOnDemand(components)
}

class NoiseOnDemand implements ConnectionEncrypter {
  readonly protocol = PROTOCOL
  readonly #components: NoiseComponents
  #noise: Promise<ConnectionEncrypter> | undefined

  constructor(components: NoiseComponents) {
    this.#components = components
  }

  async secureInbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    const noise = await this.#load()
    corkWrites(connection)
    return noise.secureInbound(connection, options)
  }

  async secureOutbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    const noise = await this.#load()
    corkWrites(connection)
    return noise.secureOutbound(connection, options)
  }

  #load(): Promise<ConnectionEncrypter> {
    this.#noise ??= this.#create()
    return this.#noise
  }

  async #create(): Promise<ConnectionEncrypter> {
    const [{ noise }, { recordCrypto }] = await Promise.all([import('@libp2p/noise'), import('./noise-crypto.ts')])
    return noise({ crypto: recordCrypto })(this.#components)
  }
}
