#include "bench/units.h"

#include "crypto/sign.h"
#include "replica/log/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 400u
#define FLUSH_MS 500u
#define FILE_BYTES (4u << 20)

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void signatures(struct units *out)
{
	struct public_key pk;
	struct secret_key sk;
	struct signature sig;
	struct statement s;
	struct digest cluster = { { 1 } }, body = { { 2 } };
	sign_keypair_random(&sign_ed25519, &pk, &sk);
	double begin = now_us();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		statement_make(&s, DOMAIN_TEST, &cluster, i, &body);
		sign_ed25519.sign(&sig, &s, &sk);
	}
	double middle = now_us();
	for (uint32_t i = 0; i < ROUNDS; i++)
		if (!sign_ed25519.verify(&sig, &s, &pk))
			abort(); /* measuring a failing check would measure nothing */
	out->sign_us = (middle - begin) / ROUNDS;
	out->verify_us = (now_us() - middle) / ROUNDS;
}

static void hashes(struct units *out)
{
	static uint8_t bytes[64 << 10];
	struct digest digest;
	double begin = now_us();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		digest_of(&digest, DOMAIN_TEST, bytes, sizeof bytes);
		bytes[0] = digest.b[0];
	}
	out->hash_us_per_kib = (now_us() - begin) / ROUNDS / (sizeof bytes / 1024.0);
}

/* As the log does it: a block into a file that is filled already, then fdatasync. Returns microseconds a flush, 0 on failure. */
static double flush_alone(const char *folder, uint32_t id)
{
	char path[512];
	static uint8_t block[LOG_BLOCK_BYTES];
	snprintf(path, sizeof path, "%s/flush-%u", folder, id);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	bool ok = true;
	for (uint32_t at = 0; ok && at < FILE_BYTES; at += sizeof block)
		ok = pwrite(fd, block, sizeof block, at) == (ssize_t)sizeof block;
	ok = ok && fsync(fd) == 0;
	double begin = now_us(), end = begin;
	uint32_t count = 0;
	for (uint32_t at = 0; ok && end - begin < FLUSH_MS * 1e3; at = (at + (uint32_t)sizeof block) % FILE_BYTES) {
		block[0]++;
		ok = pwrite(fd, block, sizeof block, at) == (ssize_t)sizeof block && fdatasync(fd) == 0;
		count++;
		end = now_us();
	}
	close(fd);
	unlink(path);
	return ok && count ? (end - begin) / count : 0;
}

static double flush_together(const char *folder, uint32_t n)
{
	int ends[2];
	double sum = 0, one;
	uint32_t got = 0;
	if (pipe(ends) != 0)
		return 0;
	fflush(NULL);
	for (uint32_t i = 0; i < n; i++)
		if (fork() == 0) {
			one = flush_alone(folder, i);
			_exit(write(ends[1], &one, sizeof one) == (ssize_t)sizeof one ? 0 : 1);
		}
	close(ends[1]);
	while (read(ends[0], &one, sizeof one) == (ssize_t)sizeof one) {
		sum += one;
		got += one > 0;
	}
	close(ends[0]);
	while (wait(NULL) > 0)
		;
	return got == n ? sum / n : 0;
}

bool units_measure(struct units *out, const char *folder, uint32_t n)
{
	if (!sign_self_test())
		return false;
	signatures(out);
	hashes(out);
	out->flush_us = flush_alone(folder, 0);
	out->flush_n_us = flush_together(folder, n);
	return out->flush_us > 0 && out->flush_n_us > 0;
}
