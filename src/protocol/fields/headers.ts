/** Placeholder of the seam; see docs/ARCHITECTURE.md. */
export class HTTPHeaders {}
