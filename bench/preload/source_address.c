/* Preloaded into a replica, lets it dial from the address that SOURCE_ADDRESS names, so that the relay between replicas knows who dials. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LOOPBACK 127u

static int (*real_connect)(int, const struct sockaddr *, socklen_t);

/* Before any thread of the program exists. */
__attribute__((constructor)) static void begin(void)
{
	void *found = dlsym(RTLD_NEXT, "connect");
	if (!found)
		abort();
	memcpy(&real_connect, &found, sizeof found);
}

int connect(int fd, const struct sockaddr *to, socklen_t n)
{
	const char *text = getenv("SOURCE_ADDRESS");
	struct sockaddr_in in, from = { .sin_family = AF_INET };
	int yes = 1, e = errno;
	if (text && to->sa_family == AF_INET && n >= sizeof in) {
		memcpy(&in, to, sizeof in);
		if (ntohl(in.sin_addr.s_addr) >> 24 == LOOPBACK && inet_pton(AF_INET, text, &from.sin_addr) == 1) {
			setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
			(void)!bind(fd, (const struct sockaddr *)&from, sizeof from);
		}
	}
	errno = e;
	return real_connect(fd, to, n);
}
