/** Node 24.21 tells nothing of the intermediates that a client has sent, where OpenSSL has verified it by them. */
export const hidesVerifiedChain: boolean = process.version.startsWith('v24.21.');
