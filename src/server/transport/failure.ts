// The world refused what the edge needs: a port, a file, a native module. The one error class of this folder.

/** The port could not be opened, or TLS files could not be used. */
export class TransportFailure extends Error {
  readonly code: 'LISTEN_FAILED' | 'TLS_FAILED' | 'NATIVE_MODULE_FAILED';

  constructor(code: TransportFailure['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportFailure';
    this.code = code;
  }
}
