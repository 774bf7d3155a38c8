/**
 * A self-signed certificate for `localhost` and its key, for servers under test. Its key is public: whoever
 * trusts the certificate trusts everybody.
 */

/** The certificate in PEM: for localhost, 127.0.0.1 and ::1, valid for a hundred years. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBrTCCAVSgAwIBAgIUTDSdB6bgqIGCnyY3mGHWflAwivEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjEwMzIxMloYDzIxMjYxMDI5
MTAzMjEyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASMofaexFcop5r/MGhL0ej+nQ05uP0HRapoB0xl6VuJIer/S6FSIi2F
HDVMU9nBKmv91i6bihXkPf51rIub0l+vo4GBMH8wHQYDVR0OBBYEFD2WMV4nHGw9
MjBUBCuaYd1qBXajMB8GA1UdIwQYMBaAFD2WMV4nHGw9MjBUBCuaYd1qBXajMA8G
A1UdEwEB/wQFMAMBAf8wLAYDVR0RBCUwI4IJbG9jYWxob3N0hwR/AAABhxAAAAAA
AAAAAAAAAAAAAAABMAoGCCqGSM49BAMCA0cAMEQCICcZANOt//1B/TT1p7KwKhe5
YLRUJIwVz4wq9EB/1hIEAiAM0r+jbEzma5nzipbTexHd/JeeQt5G2iubs+5IyHuC
Gg==
-----END CERTIFICATE-----
`;

/** Its private key, which is no secret. */
export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTgKeJPkitWeYf45Q
hW/etQwY5g3YhzwnUzKCy7fsY1GhRANCAASMofaexFcop5r/MGhL0ej+nQ05uP0H
RapoB0xl6VuJIer/S6FSIi2FHDVMU9nBKmv91i6bihXkPf51rIub0l+v
-----END PRIVATE KEY-----
`;
