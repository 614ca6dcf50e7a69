/* net/tls.c - see net/tls.h. OpenSSL talks through a BIO of our own: it reads from the bytes just received, without a copy, and writes into an output buffer
 * with a bound, which OpenSSL's memory BIO does not have. */
#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TLS_HANDSHAKE_BYTES_MAX 4096  /* a self-signed Ed25519 certificate has about 300 bytes             */
#define TLS_OUTPUT_KEEP (64u * 1024u) /* an idle connection keeps no more than this                         */
#define TLS_REKEY_RECORDS (1u << 22)  /* far below the 2^24.5 records that AES-GCM allows under one key     */
#define TLS_PEER_REKEYS_FREE 16u      /* key updates taken from a peer, and one more per 2^16 reads         */

static const char exporter_label[] = "EXPORTER-quorate-hello";

struct tls_context {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
};

struct tls {
	SSL *ssl;
	const uint8_t *in; /* lent by tls_feed */
	size_t in_n;
	uint8_t *out;
	size_t out_start, out_end, out_capacity;
	uint64_t reads;
	uint64_t peer_rekeys;
	uint32_t records_written;
	bool over_limit;
	char failure[96];
};

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *out, int room)
{
	struct tls *tls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (room <= 0)
		return 0;
	if (tls->in_n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t n = tls->in_n < (size_t)room ? tls->in_n : (size_t)room;
	memcpy(out, tls->in, n);
	tls->in += n;
	tls->in_n -= n;
	return (int)n;
}

static bool output_reserve(struct tls *tls, size_t n)
{
	if (tls->out_end + n <= tls->out_capacity)
		return true;
	if (tls->out_end + n > TLS_OUTPUT_BYTES_MAX)
		return false;
	size_t capacity = tls->out_capacity ? tls->out_capacity : 2048;
	while (capacity < tls->out_end + n)
		capacity *= 2;
	uint8_t *grown = realloc(tls->out, capacity);
	if (!grown)
		return false;
	tls->out = grown;
	tls->out_capacity = capacity;
	return true;
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
	struct tls *tls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	if (!output_reserve(tls, (size_t)n))
		return -1; /* no retry flag: the connection fails */
	memcpy(tls->out + tls->out_end, bytes, (size_t)n);
	tls->out_end += (size_t)n;
	return n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quorate");
	if (!method)
		return NULL;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

/* ---- the certificate and the context ---- */

/* Ed25519 keys alone pass; nothing else about a certificate is looked at. This callback replaces OpenSSL's whole verification. */
static int verify_certificate(X509_STORE_CTX *store, void *unused)
{
	(void)unused;
	const X509 *certificate = X509_STORE_CTX_get0_cert(store);
	const EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* The dates are fixed and wide: nobody looks at them, and a clock has no say in who may connect. */
static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	if (!certificate)
		return NULL;
	X509_NAME *name = X509_get_subject_name(certificate);
	if (X509_set_version(certificate, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
	    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20000101000000Z") &&
	    ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"quorate", -1, -1, 0) && X509_set_issuer_name(certificate, name) &&
	    X509_set_pubkey(certificate, key) && X509_sign(certificate, key, NULL) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static bool context_use_key(SSL_CTX *ctx, const struct secret_key *secret)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret->b, 32); /* the seed is the first half */
	if (!key)
		return false;
	X509 *certificate = certificate_make(key);
	bool ok = certificate && SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok;
}

static bool context_set(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, TLS_HANDSHAKE_BYTES_MAX);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_certificate, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") == 1 && SSL_CTX_set1_groups_list(ctx, "X25519") == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, "ed25519") == 1 && SSL_CTX_set1_client_sigalgs_list(ctx, "ed25519") == 1;
}

struct tls_context *tls_context_create(const struct secret_key *secret)
{
	struct tls_context *context = calloc(1, sizeof *context);
	if (!context)
		return NULL;
	context->bio = bio_method();
	context->ctx = SSL_CTX_new(TLS_method());
	if (context->bio && context->ctx && context_set(context->ctx) && context_use_key(context->ctx, secret))
		return context;
	ERR_clear_error();
	tls_context_destroy(context);
	return NULL;
}

void tls_context_destroy(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->bio);
	free(context);
}

/* ---- one connection ---- */

/* Counts the peer's key updates: each costs us a key schedule, and a peer could send nothing else. */
static void count_messages(int sending, int version, int type, const void *bytes, size_t n, SSL *ssl, void *argument)
{
	(void)version;
	(void)ssl;
	struct tls *tls = argument;
	if (sending || type != SSL3_RT_HANDSHAKE || n == 0 || *(const uint8_t *)bytes != SSL3_MT_KEY_UPDATE)
		return;
	if (++tls->peer_rekeys > TLS_PEER_REKEYS_FREE + (tls->reads >> 16))
		tls->over_limit = true;
}

struct tls *tls_create(struct tls_context *context, bool accepting)
{
	struct tls *tls = calloc(1, sizeof *tls);
	if (!tls)
		return NULL;
	BIO *bio = BIO_new(context->bio);
	tls->ssl = SSL_new(context->ctx);
	if (!bio || !tls->ssl) {
		BIO_free(bio);
		tls_destroy(tls);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio); /* takes the BIO */
	SSL_set_msg_callback(tls->ssl, count_messages);
	SSL_set_msg_callback_arg(tls->ssl, tls);
	if (accepting)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	return tls;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls->out);
	free(tls);
}

void tls_feed(struct tls *tls, const uint8_t *bytes, size_t n)
{
	tls->in = bytes;
	tls->in_n = n;
}

/* OpenSSL's queue of errors belongs to the thread, which is the embedder's: take the first reason and leave it empty. */
static enum tls_result tls_fail(struct tls *tls)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	if (tls->over_limit)
		reason = "too many key updates";
	snprintf(tls->failure, sizeof tls->failure, "%s", reason ? reason : "the connection failed");
	ERR_clear_error();
	return TLS_FAILED;
}

static enum tls_result tls_judge(struct tls *tls, int result)
{
	if (tls->over_limit)
		return tls_fail(tls);
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_NONE: return TLS_DONE;
	case SSL_ERROR_WANT_READ: return TLS_WANT;
	case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
	default: return tls_fail(tls);
	}
}

enum tls_result tls_handshake(struct tls *tls)
{
	ERR_clear_error();
	return tls_judge(tls, SSL_do_handshake(tls->ssl));
}

enum tls_result tls_read(struct tls *tls, uint8_t *out, size_t room, size_t *n)
{
	ERR_clear_error();
	*n = 0;
	tls->reads++;
	return tls_judge(tls, SSL_read_ex(tls->ssl, out, room, n));
}

bool tls_write(struct tls *tls, const uint8_t *bytes, size_t n)
{
	ERR_clear_error();
	tls->records_written += (uint32_t)(n / SSL3_RT_MAX_PLAIN_LENGTH) + 1;
	if (tls->records_written > TLS_REKEY_RECORDS) {
		tls->records_written = 0;
		SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED); /* goes out with the next record */
	}
	size_t written = 0;
	int result = SSL_write_ex(tls->ssl, bytes, n, &written);
	if (result == 1 && written == n)
		return true;
	tls_fail(tls);
	return false;
}

const uint8_t *tls_output(const struct tls *tls, size_t *n)
{
	*n = tls->out_end - tls->out_start;
	return *n ? tls->out + tls->out_start : NULL;
}

void tls_output_taken(struct tls *tls, size_t n)
{
	tls->out_start += n;
	if (tls->out_start < tls->out_end)
		return;
	tls->out_start = tls->out_end = 0;
	if (tls->out_capacity > TLS_OUTPUT_KEEP) {
		free(tls->out);
		tls->out = NULL;
		tls->out_capacity = 0;
	}
}

bool tls_peer_key(const struct tls *tls, struct public_key *out)
{
	const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	const EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
	size_t n = sizeof out->b;
	bool ok = key && EVP_PKEY_get_raw_public_key(key, out->b, &n) == 1 && n == sizeof out->b;
	ERR_clear_error();
	return ok;
}

bool tls_exporter(const struct tls *tls, uint8_t out[TLS_EXPORTER_BYTES])
{
	bool ok = SSL_export_keying_material(tls->ssl, out, TLS_EXPORTER_BYTES, exporter_label, sizeof exporter_label - 1, NULL, 0, 0) == 1;
	ERR_clear_error();
	return ok;
}

const char *tls_failure(const struct tls *tls)
{
	return tls->failure[0] ? tls->failure : "the connection failed";
}
