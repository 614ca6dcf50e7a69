/* net/tls.h - TLS 1.3 as a transformer of bytes: ciphertext in, ciphertext out, no socket.
 *
 * Both sides show a certificate; of a certificate only its Ed25519 key counts. Chains, names and dates decide nothing: who holds a key is settled by the
 * member's card and by HELLO (net/hello.h). No tickets, no early data, no compression, no renegotiation; key updates by the peer are limited. Everything runs
 * on the loop's thread. */
#ifndef NET_TLS_H
#define NET_TLS_H
#include "crypto/sign.h"

#define TLS_EXPORTER_BYTES 32
/* What one connection may hold as ciphertext that the socket has not taken. Nothing encrypts while much of it waits, so reaching it is a failure. */
#define TLS_OUTPUT_BYTES_MAX (512u * 1024u)

/* The own certificate and the settings, shared by every connection of one endpoint. */
struct tls_context;
/* Makes the self-signed certificate in memory from the Ed25519 `secret`. NULL when OpenSSL fails (memory, or a library without TLS 1.3 and Ed25519). */
struct tls_context *tls_context_create(const struct secret_key *secret);
void tls_context_destroy(struct tls_context *context); /* NULL is allowed. Requires: no `struct tls` of it is left. */

enum tls_result {
	TLS_DONE,   /* the handshake is complete; or bytes were read         */
	TLS_WANT,   /* all input is consumed: feed more                      */
	TLS_CLOSED, /* the other side said goodbye                           */
	TLS_FAILED, /* this connection is over; tls_failure has the reason   */
};

struct tls;
/* NULL when memory is short. */
struct tls *tls_create(struct tls_context *context, bool accepting);
void tls_destroy(struct tls *tls); /* NULL is allowed */

/* Lends ciphertext. Requires: it stays until a call has returned anything but TLS_DONE; what was lent before is consumed (TLS_WANT). */
void tls_feed(struct tls *tls, const uint8_t *bytes, size_t n);
enum tls_result tls_handshake(struct tls *tls);
/* Requires: the handshake is complete; room > 0. Call until it returns TLS_WANT. */
enum tls_result tls_read(struct tls *tls, uint8_t *out, size_t room, size_t *n);
/* Encrypts all of it into the output. False: the connection has failed. */
bool tls_write(struct tls *tls, const uint8_t *bytes, size_t n);

/* Ciphertext to send. Borrowed until the next call but tls_output_taken. */
const uint8_t *tls_output(const struct tls *tls, size_t *n);
void tls_output_taken(struct tls *tls, size_t n);

/* After the handshake. False when OpenSSL fails, which it does not on a complete handshake. */
bool tls_peer_key(const struct tls *tls, struct public_key *out);
bool tls_exporter(const struct tls *tls, uint8_t out[TLS_EXPORTER_BYTES]);
/* Why TLS_FAILED or false, in a few words; never NULL. Valid as long as `tls`. */
const char *tls_failure(const struct tls *tls);
#endif
