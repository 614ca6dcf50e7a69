/* wire COUNT CONTROL [SEED]: a switch with COUNT ports, in a process: port I is the network device "wireI", which the caller moves to where it shall be; frames go from one
 * to the other by the last byte of their addresses. The file CONTROL says what the network does, and is read again when it is replaced:
 *
 *   cut A B       nothing goes from A to B (one way)
 *   delay MS      every frame takes so long
 *   loss N        so many of a thousand frames are lost
 *
 * It needs nothing of the kernel but TUN devices: not every kernel has netem. It prints "ready" when the devices are there, and ends with its standard input. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX 16
#define FRAME_MAX 2048
#define WAITING_MAX 8192u /* frames under way; more are lost, as in any switch */

struct frame {
	uint64_t due_us;
	int to;
	size_t bytes;
	uint8_t data[FRAME_MAX];
};

static struct frame waiting[WAITING_MAX]; /* a ring: all take equally long, so they are due in order */
static unsigned first, count;
static int port[PORTS_MAX], ports;
static bool cut[PORTS_MAX][PORTS_MAX];
static uint64_t delay_us;
static unsigned loss;
static struct timespec read_at;

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void read_control(const char *path)
{
	struct stat st;
	char line[64];
	unsigned a, b;
	FILE *f;
	if (stat(path, &st) != 0 || (st.st_mtim.tv_sec == read_at.tv_sec && st.st_mtim.tv_nsec == read_at.tv_nsec) || !(f = fopen(path, "r")))
		return;
	read_at = st.st_mtim;
	memset(cut, 0, sizeof cut);
	delay_us = loss = 0;
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "cut %u %u", &a, &b) == 2 && a < PORTS_MAX && b < PORTS_MAX)
			cut[a][b] = true;
		else if (sscanf(line, "delay %u", &a) == 1)
			delay_us = (uint64_t)a * 1000;
		else if (sscanf(line, "loss %u", &a) == 1)
			loss = a;
		else
			fprintf(stderr, "wire: what is '%s'?\n", line);
	}
	fclose(f);
	printf("read\n");
	fflush(stdout);
}

static int port_open(int i)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof request.ifr_name, "wire%d", i);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	perror("/dev/net/tun");
	exit(1);
}

static void forward(int from, int to, const uint8_t *data, size_t bytes)
{
	if (to == from || cut[from][to] || count == WAITING_MAX || (unsigned)(random() % 1000) < loss)
		return;
	struct frame *f = &waiting[(first + count++) % WAITING_MAX];
	f->due_us = now_us() + delay_us;
	f->to = to;
	f->bytes = bytes;
	memcpy(f->data, data, bytes);
}

static void take(int from)
{
	uint8_t data[FRAME_MAX];
	ssize_t n;
	/* Some at a time, so that each port has its turn. */
	for (int k = 0; k < 32 && (n = read(port[from], data, sizeof data)) >= 14; k++) {
		bool all = data[0] & 1; /* to everybody: who has this address? */
		for (int to = 0; to < ports; to++)
			if (all || data[5] == to)
				forward(from, to, data, (size_t)n);
	}
}

static void deliver(void)
{
	for (; count && waiting[first].due_us <= now_us(); first = (first + 1) % WAITING_MAX, count--) {
		ssize_t n = write(port[waiting[first].to], waiting[first].data, waiting[first].bytes);
		(void)n; /* a port that is down, or full, loses it */
	}
}

int main(int argc, char **argv)
{
	struct pollfd polls[PORTS_MAX + 1];
	ports = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	if (ports < 2 || ports > PORTS_MAX)
		return 2;
	srandom(argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1);
	for (int i = 0; i < ports; i++) {
		port[i] = port_open(i);
		polls[i] = (struct pollfd){ .fd = port[i], .events = POLLIN };
	}
	polls[ports] = (struct pollfd){ .fd = 0, .events = POLLIN };
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		read_control(argv[2]);
		int64_t left = count ? (int64_t)(waiting[first].due_us - now_us()) / 1000 + 1 : 20;
		poll(polls, (nfds_t)ports + 1, left < 0 ? 0 : left > 20 ? 20 : (int)left);
		if (polls[ports].revents)
			return 0;
		for (int i = 0; i < ports; i++)
			if (polls[i].revents)
				take(i);
		deliver();
	}
}
