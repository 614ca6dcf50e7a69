/* Those who have no key at all: bytes that are no handshake, handshakes that do not end, connections without number. */
#include "bench/malice/malice.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS 200u

/* A connection to the i-th replica (round robin), or -1. */
static int dial(const struct lying_client *c, uint32_t i)
{
	char host[BFT_ADDRESS_BYTES_MAX + 1];
	uint16_t port;
	struct sockaddr_in a = { .sin_family = AF_INET };
	card_address_split(c->genesis.cards[i % c->genesis.count].addresses[0], host, &port);
	a.sin_port = htons(port);
	int fd = inet_pton(AF_INET, host, &a.sin_addr) == 1 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	struct timeval wait = { .tv_usec = 200000 };
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Random bytes, and what looks like a TLS record of no length, of the greatest, and of one more. */
static void garbage(struct lying_client *c)
{
	for (uint32_t i = 0; lying_goes_on(c); i++) {
		uint8_t bytes[1024];
		static const uint16_t length[] = { 0, 16384, 16385, 65535 };
		int fd = dial(c, i);
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)lying_random(c);
		if (i % 2) {
			bytes[0] = 22;
			bytes[1] = 3;
			bytes[3] = (uint8_t)(length[i / 2 % 4] >> 8);
			bytes[4] = (uint8_t)length[i / 2 % 4];
		}
		if (fd >= 0) {
			(void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
			close(fd);
			lying_acts(c, "it sends bytes that are no handshake");
		}
		usleep(1000);
	}
}

/* As many connections as it may have, one byte a second in each. */
static void slowloris(struct lying_client *c)
{
	int fd[SOCKETS];
	for (uint32_t i = 0; i < SOCKETS; i++)
		fd[i] = -1;
	while (lying_goes_on(c)) {
		static const uint8_t hello[] = { 22, 3, 1, 2, 0 };
		for (uint32_t i = 0; i < SOCKETS && lying_goes_on(c); i++) {
			if (fd[i] < 0)
				fd[i] = dial(c, i);
			if (fd[i] < 0 || send(fd[i], &hello[lying_random(c) % sizeof hello], 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) {
				lying_acts(c, "it holds connections, and sends a byte a second in each");
				continue;
			}
			close(fd[i]);
			fd[i] = -1;
		}
		for (uint32_t i = 0; i < 100 && lying_goes_on(c); i++)
			usleep(10000);
	}
	for (uint32_t i = 0; i < SOCKETS; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Whole handshakes by one that has no certificate: the other side pays a signature for each. */
static void handshakes(struct lying_client *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	for (uint32_t i = 0; ctx && lying_goes_on(c); i++) {
		int fd = dial(c, i);
		SSL *ssl = fd >= 0 ? SSL_new(ctx) : NULL;
		if (ssl && SSL_set_fd(ssl, fd)) {
			lying_acts(c, "it begins one TLS handshake after the other");
			(void)SSL_connect(ssl);
		}
		SSL_free(ssl);
		if (fd >= 0)
			close(fd);
		else
			usleep(1000);
	}
	SSL_CTX_free(ctx);
}

const struct attack attacks_strangers[] = {
	{ "garbage-frames", "B97", BY_CLIENT, "a stranger opens a thousand connections a second, and sends bytes that are no handshake",
	  "A length is believed, or an error path forgets something each time.", "Closed, and counted.", .client = garbage },
	{ "slowloris", "B97", BY_CLIENT, "a stranger holds 200 connections, and sends a byte a second in each",
	  "Every place for a connection is taken, and members cannot come back.",
	  "Handshakes have a deadline, strangers a cap, and members' places are their own.", .client = slowloris },
	{ "tls-handshake-flood", "B97", BY_CLIENT, "a stranger begins one TLS handshake after the other", "Each costs a signature: the loop does nothing else.",
	  "What is accepted has a budget, and members come first.", .client = handshakes },
	{ 0 },
};
