/** What a TLSSocket stands on; a stream that is no socket is in a wrap, known to the handle only. */
export function rawOf(socket: object): object | undefined {
  const { _parent: parent, _handle: handle } = socket as {
    readonly _parent?: object | null;
    readonly _handle?: { readonly _parentWrap?: { readonly stream?: object } } | null;
  };
  return parent ?? handle?._parentWrap?.stream;
}
