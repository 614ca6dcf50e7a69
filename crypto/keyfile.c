/* Secret keys on disk:
 *
 *   quorate-key 1
 *   public PUBLIC
 *   secret SEED                                         in the clear, or
 *   sealed SALT OPS MEMORY_KIB NONCE CIPHERTEXT         the seed under Argon2id and XChaCha20-Poly1305
 *
 * All in hexadecimal but OPS and MEMORY_KIB, which are decimal; every line ends with a newline. The ciphertext is bound to the public key and to the cost,
 * so nobody can swap keys between files or weaken the cost unnoticed. */
#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "quorate-key 1"
#define SEED_BYTES 32u
#define SALT_BYTES crypto_pwhash_argon2id_SALTBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEALED_BYTES (SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define FILE_BYTES_MAX 1024u
#define PATH_BYTES_MAX 4096u

/* What is written, and the most that is read: a file must not make us work for hours or take all memory. */
#define COST_OPS crypto_pwhash_argon2id_OPSLIMIT_MODERATE
#define COST_KIB ((unsigned)(crypto_pwhash_argon2id_MEMLIMIT_MODERATE / 1024))
#define COST_OPS_MAX 16u
#define COST_KIB_MAX (1u << 20)

struct seal {
	uint8_t salt[SALT_BYTES];
	uint32_t ops, kib;
	uint8_t nonce[NONCE_BYTES];
	uint8_t sealed[SEALED_BYTES];
};

/* A file's content, parsed and not yet opened. */
struct content {
	struct public_key pk;
	bool is_sealed;
	uint8_t seed[SEED_BYTES];
	struct seal seal;
};

/* ---- sealing ---- */

/* The bytes beside the seed that the seal vouches for. */
struct bound {
	uint8_t pk[PUBLIC_KEY_BYTES];
	uint8_t cost[8];
};

static void bound_make(struct bound *out, const struct public_key *pk, const struct seal *seal)
{
	memcpy(out->pk, pk->b, sizeof out->pk);
	for (unsigned i = 0; i < 4; i++) {
		out->cost[i] = (uint8_t)(seal->ops >> (8 * i));
		out->cost[4 + i] = (uint8_t)(seal->kib >> (8 * i));
	}
}

static bool stretch(uint8_t key[32], const struct seal *seal, const char *passphrase)
{
	return crypto_pwhash(key, 32, passphrase, strlen(passphrase), seal->salt, seal->ops, (size_t)seal->kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* False when memory is short. */
static bool seal_seed(struct seal *out, const uint8_t seed[SEED_BYTES], const struct public_key *pk, const char *passphrase)
{
	uint8_t key[32];
	struct bound bound;
	*out = (struct seal){ .ops = COST_OPS, .kib = COST_KIB };
	randombytes_buf(out->salt, sizeof out->salt);
	randombytes_buf(out->nonce, sizeof out->nonce);
	bound_make(&bound, pk, out);
	bool stretched = stretch(key, out, passphrase);
	if (stretched)
		crypto_aead_xchacha20poly1305_ietf_encrypt(out->sealed, NULL, seed, SEED_BYTES, (const uint8_t *)&bound, sizeof bound, NULL, out->nonce, key);
	sodium_memzero(key, sizeof key);
	return stretched;
}

static enum keyfile_result unseal_seed(uint8_t seed[SEED_BYTES], const struct seal *seal, const struct public_key *pk, const char *passphrase)
{
	uint8_t key[32];
	struct bound bound;
	bound_make(&bound, pk, seal);
	if (!stretch(key, seal, passphrase)) {
		errno = ENOMEM;
		return KEYFILE_UNREADABLE;
	}
	int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(seed, NULL, NULL, seal->sealed, SEALED_BYTES, (const uint8_t *)&bound, sizeof bound,
	                                                        seal->nonce, key);
	sodium_memzero(key, sizeof key);
	return opened == 0 ? KEYFILE_OK : KEYFILE_WRONG_PASSPHRASE;
}

/* ---- text ---- */

static int format(char text[FILE_BYTES_MAX], const struct content *c)
{
	char public[2 * PUBLIC_KEY_BYTES + 1], seed[2 * SEED_BYTES + 1], salt[2 * SALT_BYTES + 1], nonce[2 * NONCE_BYTES + 1], sealed[2 * SEALED_BYTES + 1];
	int n;
	hex_format(public, c->pk.b, sizeof c->pk.b);
	if (!c->is_sealed) {
		hex_format(seed, c->seed, sizeof c->seed);
		n = snprintf(text, FILE_BYTES_MAX, HEADER "\npublic %s\nsecret %s\n", public, seed);
		sodium_memzero(seed, sizeof seed);
		return n;
	}
	hex_format(salt, c->seal.salt, sizeof c->seal.salt);
	hex_format(nonce, c->seal.nonce, sizeof c->seal.nonce);
	hex_format(sealed, c->seal.sealed, sizeof c->seal.sealed);
	return snprintf(text, FILE_BYTES_MAX, HEADER "\npublic %s\nsealed %s %u %u %s %s\n", public, salt, c->seal.ops, c->seal.kib, nonce, sealed);
}

/* Cuts the text at the next `end` and returns the part before it, or NULL when there is none. */
static char *next_part(char **at, char end)
{
	char *part = *at, *cut = strchr(part, end);
	if (!cut)
		return NULL;
	*cut = 0;
	*at = cut + 1;
	return part;
}

static bool parse_hex(char **at, char end, uint8_t *out, size_t n)
{
	char *part = next_part(at, end);
	return part && hex_parse(out, n, part);
}

/* A decimal number from 1 to `max`, as format() writes it: no sign, no leading zero. */
static bool parse_number(char **at, char end, uint32_t *out, uint32_t max)
{
	char *part = next_part(at, end);
	if (!part || part[0] < '1' || part[0] > '9')
		return false;
	uint64_t v = 0;
	for (; *part; part++) {
		if (*part < '0' || *part > '9')
			return false;
		v = v * 10 + (uint64_t)(*part - '0');
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool parse_word(char **at, char end, const char *word)
{
	char *part = next_part(at, end);
	return part && strcmp(part, word) == 0;
}

static bool parse_seal(char **at, struct seal *out)
{
	return parse_hex(at, ' ', out->salt, sizeof out->salt) && parse_number(at, ' ', &out->ops, COST_OPS_MAX) &&
	       parse_number(at, ' ', &out->kib, COST_KIB_MAX) && out->kib >= crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024 &&
	       parse_hex(at, ' ', out->nonce, sizeof out->nonce) && parse_hex(at, '\n', out->sealed, sizeof out->sealed);
}

/* `text` is changed on the way. */
static bool parse(struct content *out, char *text)
{
	if (!parse_word(&text, '\n', HEADER) || !parse_word(&text, ' ', "public") || !parse_hex(&text, '\n', out->pk.b, sizeof out->pk.b))
		return false;
	char *kind = next_part(&text, ' ');
	if (!kind)
		return false;
	out->is_sealed = strcmp(kind, "sealed") == 0;
	bool whole = out->is_sealed ? parse_seal(&text, &out->seal) : strcmp(kind, "secret") == 0 && parse_hex(&text, '\n', out->seed, sizeof out->seed);
	return whole && *text == 0;
}

/* ---- files ---- */

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		n -= (size_t)done;
	}
	return true;
}

/* A new file is safe only when its folder's entry is. */
static bool sync_folder(const char *path)
{
	char folder[PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (n >= sizeof folder) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(folder, path, n);
	folder[n] = 0;
	int fd = open(n ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool synced = fsync(fd) == 0;
	close(fd);
	return synced;
}

static enum keyfile_result create(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? KEYFILE_EXISTS : KEYFILE_UNREADABLE;
	bool written = write_all(fd, text, n) && fsync(fd) == 0;
	int error = errno;
	if (close(fd) != 0 && written) {
		written = false;
		error = errno;
	}
	if (written && sync_folder(path))
		return KEYFILE_OK;
	if (written)
		error = errno;
	unlink(path); /* ours: O_EXCL created it. Half a key is worse than none. */
	errno = error;
	return KEYFILE_UNREADABLE;
}

/* Reads at most `capacity` - 1 bytes and ends them with a zero; -1 when reading fails, `capacity` when the file is longer. */
static ssize_t read_all(int fd, char *out, size_t capacity)
{
	size_t n = 0;
	while (n < capacity) {
		ssize_t done = read(fd, out + n, capacity - n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		if (done == 0)
			break;
		n += (size_t)done;
	}
	if (n < capacity)
		out[n] = 0;
	return (ssize_t)n;
}

static enum keyfile_result load(int fd, char text[FILE_BYTES_MAX])
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return KEYFILE_UNREADABLE;
	if (!S_ISREG(st.st_mode))
		return KEYFILE_MALFORMED;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return KEYFILE_PERMISSIONS;
	ssize_t n = read_all(fd, text, FILE_BYTES_MAX);
	if (n < 0)
		return KEYFILE_UNREADABLE;
	/* A zero inside would end the text early and hide what follows. */
	return n < (ssize_t)FILE_BYTES_MAX && strlen(text) == (size_t)n ? KEYFILE_OK : KEYFILE_MALFORMED;
}

/* The pair from the seed, when it is the one that the file names. */
static enum keyfile_result pair_check(struct secret_key *sk, const struct content *c)
{
	struct public_key pk;
	crypto_sign_seed_keypair(pk.b, sk->b, c->seed);
	return public_key_equal(&pk, &c->pk) ? KEYFILE_OK : KEYFILE_MALFORMED;
}

static enum keyfile_result open_content(struct secret_key *sk, struct content *c, const char *passphrase)
{
	if (c->is_sealed) {
		if (!passphrase)
			return KEYFILE_NEEDS_PASSPHRASE;
		enum keyfile_result unsealed = unseal_seed(c->seed, &c->seal, &c->pk, passphrase);
		if (unsealed != KEYFILE_OK)
			return unsealed;
	}
	return pair_check(sk, c);
}

/* ---- the two calls ---- */

enum keyfile_result keyfile_write(const char *path, const struct secret_key *sk, const char *passphrase)
{
	struct content c = { .is_sealed = passphrase != NULL };
	char text[FILE_BYTES_MAX];
	enum keyfile_result result;

	/* Asked first, so that nobody waits for Argon2id to hear it; O_EXCL decides in the end. */
	struct stat st;
	if (lstat(path, &st) == 0)
		return KEYFILE_EXISTS;

	memcpy(c.seed, sk->b, SEED_BYTES);
	memcpy(c.pk.b, sk->b + SEED_BYTES, PUBLIC_KEY_BYTES);
	if (passphrase && !seal_seed(&c.seal, c.seed, &c.pk, passphrase)) {
		errno = ENOMEM;
		result = KEYFILE_UNREADABLE;
	} else {
		int n = format(text, &c);
		result = create(path, text, (size_t)n);
	}
	int error = errno;
	sodium_memzero(text, sizeof text);
	sodium_memzero(&c, sizeof c);
	errno = error;
	return result;
}

enum keyfile_result keyfile_read(const char *path, struct secret_key *sk, struct public_key *pk, const char *passphrase)
{
	struct content c = { 0 };
	char text[FILE_BYTES_MAX];
	struct secret_key found;

	/* Without O_NONBLOCK, opening a pipe by mistake would wait for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return KEYFILE_UNREADABLE;
	enum keyfile_result result = load(fd, text);
	int error = errno;
	close(fd);
	errno = error;
	if (result == KEYFILE_OK && !parse(&c, text))
		result = KEYFILE_MALFORMED;
	if (result == KEYFILE_OK)
		result = open_content(&found, &c, passphrase);
	if (result == KEYFILE_OK) {
		*sk = found;
		if (pk)
			*pk = c.pk;
	}
	error = errno;
	sodium_memzero(text, sizeof text);
	sodium_memzero(&c, sizeof c);
	sign_wipe(&found);
	errno = error;
	return result;
}

const char *keyfile_text(enum keyfile_result result)
{
	switch (result) {
	case KEYFILE_OK: return "The key file is good.";
	case KEYFILE_EXISTS: return "There is a file of that name already, and a key is never overwritten.";
	case KEYFILE_UNREADABLE: return "The key file cannot be opened, read or created.";
	case KEYFILE_PERMISSIONS: return "Others than the owner have access to the key file; allow only its owner (chmod 600).";
	case KEYFILE_MALFORMED: return "This is not a key file, or it is damaged.";
	case KEYFILE_NEEDS_PASSPHRASE: return "The key file is sealed and needs its passphrase.";
	case KEYFILE_WRONG_PASSPHRASE: return "The passphrase does not open the key file.";
	}
	return "Unknown result of a key file.";
}
