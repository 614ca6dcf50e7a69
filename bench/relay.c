/* One libuv loop. A connection that comes in is a pass: two ends and two ways. What is read from one end waits in a way until it is due, and is then written to the other.
 *
 *   read -> [road: one piece after the other, at its rate] -> [delay + jitter, a stall for what was lost] -> write
 *
 * A road belongs to a pair (from, to), and all its connections share its rate. Bounds: connections, bytes of a way, bytes in all; what would go beyond is not read, so that
 * the sender's socket fills, as it does when a network is full. */
#include "bench/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#define REPLICAS_MAX 16u
#define PASSES_MAX 1024u
#define PIECE_BYTES 65536u
#define DOOR_BACKLOG 256
#define WAY_BYTES_MAX (2u << 20)
#define ALL_BYTES_MAX (256u << 20)
#define SEGMENT_BYTES 1448u
#define STALL_US 200000u /* and a round trip: the least retransmission timeout of Linux (RFC 6298, with its floor of 200 ms for the variance) */

struct piece {
	struct piece *next;
	uint64_t due_us;
	struct way *way;
	uv_write_t request;
	size_t n; /* 0: the end */
	uint8_t bytes[];
};

struct road {
	struct net_shape shape;
	uint32_t round_trip_us;
	uint64_t free_us; /* when the last piece that it took has left */
};

struct way {
	struct pass *pass;
	struct road *road;
	uv_tcp_t *from, *to;
	struct piece *first, **last;
	uint64_t due_us; /* of the last piece: nothing overtakes it */
	size_t bytes;    /* waiting, or being written             */
	bool paused, ended;
};

struct pass {
	struct pass *next, **at;
	uv_tcp_t dialler, listener;
	uv_connect_t connecting;
	struct way there, back;
	uint32_t from, to;
	int open; /* handles */
	bool closing, connected;
};

static struct {
	struct relay is;
	uv_loop_t loop;
	uv_tcp_t door[REPLICAS_MAX];
	uv_poll_t clock;
	int clock_fd;
	struct road road[REPLICAS_MAX + 1][REPLICAS_MAX + 1];
	struct pass *passes;
	uint32_t count;
	size_t bytes;
	uint64_t rng;
	uint8_t buffer[PIECE_BYTES];
} r;

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

static uint64_t draw(uint64_t below)
{
	uint64_t z = (r.rng += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return below ? (z ^ (z >> 31)) % below : 0;
}

/* ---- the end of a pass ---- */

static void drop_waiting(struct way *w)
{
	while (w->first) {
		struct piece *p = w->first;
		w->first = p->next;
		w->bytes -= p->n;
		r.bytes -= p->n;
		free(p);
	}
	w->last = &w->first;
}

static void on_closed(uv_handle_t *handle)
{
	struct pass *pass = handle->data;
	if (--pass->open > 0)
		return;
	drop_waiting(&pass->there);
	drop_waiting(&pass->back);
	*pass->at = pass->next;
	if (pass->next)
		pass->next->at = pass->at;
	r.count--;
	free(pass);
}

static void pass_close(struct pass *pass)
{
	if (pass->closing)
		return;
	pass->closing = true;
	uv_close((uv_handle_t *)&pass->dialler, on_closed);
	uv_close((uv_handle_t *)&pass->listener, on_closed);
}

/* ---- when a piece is due ---- */

static uint64_t stall_us(const struct road *road, size_t n)
{
	uint64_t stall = 0;
	for (size_t at = 0; road->shape.loss_ppm && at < n; at += SEGMENT_BYTES)
		if (draw(1000000) < road->shape.loss_ppm)
			stall += STALL_US + road->round_trip_us;
	return stall;
}

static uint64_t due_us(struct way *w, size_t n)
{
	struct road *road = w->road;
	uint64_t now = now_us();
	road->free_us = road->free_us > now ? road->free_us : now;
	if (road->shape.bits_per_s)
		road->free_us += n * 8000000u / road->shape.bits_per_s;
	uint64_t due = road->free_us + road->shape.delay_us + draw(road->shape.jitter_us) + stall_us(road, n);
	w->due_us = due > w->due_us ? due : w->due_us;
	return w->due_us;
}

static void set_clock(void)
{
	uint64_t first = UINT64_MAX, now = now_us();
	for (struct pass *p = r.passes; p; p = p->next) {
		if (p->there.first && p->connected && !p->closing && p->there.first->due_us < first)
			first = p->there.first->due_us;
		if (p->back.first && !p->closing && p->back.first->due_us < first)
			first = p->back.first->due_us;
	}
	uint64_t wait = first == UINT64_MAX ? 0 : first > now ? first - now : 1;
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)(wait / 1000000), .tv_nsec = (long)(wait % 1000000) * 1000 } };
	timerfd_settime(r.clock_fd, 0, &t, NULL);
}

/* ---- in ---- */

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
	(void)handle;
	(void)wanted;
	*out = uv_buf_init((char *)r.buffer, sizeof r.buffer);
}

static bool put(struct way *w, const uint8_t *bytes, size_t n)
{
	struct piece *p = malloc(sizeof *p + n);
	if (!p)
		return false;
	*p = (struct piece){ .due_us = due_us(w, n), .way = w, .n = n };
	if (n)
		memcpy(p->bytes, bytes, n);
	*w->last = p;
	w->last = &p->next;
	w->bytes += n;
	r.bytes += n;
	return true;
}

static bool is_full(const struct way *w)
{
	return w->bytes >= WAY_BYTES_MAX || (w->bytes >= PIECE_BYTES && r.bytes >= ALL_BYTES_MAX);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct pass *pass = stream->data;
	struct way *w = stream == (uv_stream_t *)&pass->dialler ? &pass->there : &pass->back;
	(void)buffer;
	if (n == 0)
		return;
	if (n < 0)
		uv_read_stop(stream);
	w->ended |= n < 0;
	if (!put(w, r.buffer, n < 0 ? 0 : (size_t)n))
		pass_close(pass);
	else if (is_full(w) && !w->ended) {
		uv_read_stop(stream);
		w->paused = true;
	}
	set_clock();
}

static void resume(struct way *w)
{
	if (!w->paused || w->ended || w->pass->closing || w->bytes >= WAY_BYTES_MAX / 2 || is_full(w))
		return;
	w->paused = false;
	if (uv_read_start((uv_stream_t *)w->from, on_room, on_read) != 0)
		pass_close(w->pass);
}

/* ---- out ---- */

static void on_written(uv_write_t *request, int status)
{
	struct piece *p = request->data;
	struct way *w = p->way;
	w->bytes -= p->n;
	r.bytes -= p->n;
	free(p);
	if (status < 0)
		pass_close(w->pass);
	else
		resume(w);
}

static void send_due(struct way *w, uint64_t now)
{
	while (w->first && w->first->due_us <= now && !w->pass->closing) {
		struct piece *p = w->first;
		uv_buf_t buffer = uv_buf_init((char *)p->bytes, (unsigned)p->n);
		if (!p->n) {
			pass_close(w->pass);
			return;
		}
		w->first = p->next;
		if (!w->first)
			w->last = &w->first;
		p->request.data = p;
		if (uv_write(&p->request, (uv_stream_t *)w->to, &buffer, 1, on_written) != 0) {
			w->bytes -= p->n;
			r.bytes -= p->n;
			free(p);
			pass_close(w->pass);
		}
	}
}

static void on_clock(uv_poll_t *poll, int status, int events)
{
	uint64_t times, now = now_us();
	struct pass *next;
	(void)poll;
	(void)events;
	if (status < 0 || read(r.clock_fd, &times, sizeof times) < 0)
		return;
	for (struct pass *p = r.passes; p; p = next) {
		next = p->next;
		if (p->connected)
			send_due(&p->there, now);
		send_due(&p->back, now);
	}
	set_clock();
}

/* ---- the beginning of a pass ---- */

static void on_connected(uv_connect_t *request, int status)
{
	struct pass *pass = request->data;
	if (status < 0 || pass->closing || uv_read_start((uv_stream_t *)&pass->listener, on_room, on_read) != 0) {
		pass_close(pass);
		return;
	}
	uv_tcp_nodelay(&pass->listener, 1);
	pass->connected = true;
	set_clock();
}

/* Replicas dial from addresses of their own; everybody else is a client. */
static uint32_t who_dials(const uv_tcp_t *tcp)
{
	struct sockaddr_in a = { 0 };
	int n = sizeof a;
	if (uv_tcp_getpeername(tcp, (struct sockaddr *)&a, &n) != 0)
		return NETS_CLIENT;
	uint32_t host = ntohl(a.sin_addr.s_addr), first = (127u << 24) + (1u << 8) + 1;
	return host >= first && host < first + r.is.n ? host - first : NETS_CLIENT;
}

static struct road *road(uint32_t from, uint32_t to)
{
	return &r.road[from == NETS_CLIENT ? REPLICAS_MAX : from][to == NETS_CLIENT ? REPLICAS_MAX : to];
}

static void way_init(struct way *w, struct pass *pass, uv_tcp_t *from, uv_tcp_t *to, struct road *road)
{
	*w = (struct way){ .pass = pass, .road = road, .from = from, .to = to, .last = &w->first };
	w->due_us = now_us();
}

static bool pass_begin(struct pass *pass)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(r.is.inner_port + pass->to)), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	pass->from = who_dials(&pass->dialler);
	way_init(&pass->there, pass, &pass->dialler, &pass->listener, road(pass->from, pass->to));
	way_init(&pass->back, pass, &pass->listener, &pass->dialler, road(pass->to, pass->from));
	pass->there.due_us += pass->there.road->round_trip_us; /* the handshake of TCP, which is over here at once */
	pass->connecting.data = pass;
	uv_tcp_nodelay(&pass->dialler, 1);
	return uv_read_start((uv_stream_t *)&pass->dialler, on_room, on_read) == 0 &&
	       uv_tcp_connect(&pass->connecting, &pass->listener, (struct sockaddr *)&a, on_connected) == 0;
}

static void on_knock(uv_stream_t *door, int status)
{
	struct pass *pass = status == 0 ? calloc(1, sizeof *pass) : NULL;
	if (!pass)
		return;
	pass->to = (uint32_t)((uv_tcp_t *)door - r.door);
	pass->open = 2;
	pass->next = r.passes;
	pass->at = &r.passes;
	if (r.passes)
		r.passes->at = &pass->next;
	r.passes = pass;
	pass->there.last = &pass->there.first;
	pass->back.last = &pass->back.first;
	uv_tcp_init(&r.loop, &pass->dialler);
	uv_tcp_init(&r.loop, &pass->listener);
	pass->dialler.data = pass->listener.data = pass;
	r.count++;
	if (uv_accept(door, (uv_stream_t *)&pass->dialler) != 0 || r.count > PASSES_MAX || !pass_begin(pass))
		pass_close(pass);
}

/* ---- the process ---- */

static void make_roads(void)
{
	for (uint32_t i = 0; i <= REPLICAS_MAX; i++)
		for (uint32_t k = 0; k <= REPLICAS_MAX; k++) {
			uint32_t from = i == REPLICAS_MAX ? NETS_CLIENT : i, to = k == REPLICAS_MAX ? NETS_CLIENT : k;
			r.road[i][k].shape = nets_between(&r.is.nets, from, to);
			r.road[i][k].round_trip_us = r.road[i][k].shape.delay_us + nets_between(&r.is.nets, to, from).delay_us;
		}
}

/* Before there is a process, so that what is wrong with them can be said. */
static bool bind_doors(const struct relay *relay, int fd[REPLICAS_MAX])
{
	bool ok = true;
	int yes = 1;
	for (uint32_t i = 0; i < REPLICAS_MAX; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(relay->outer_port + i)), .sin_addr = { htonl(INADDR_LOOPBACK) } };
		fd[i] = i < relay->n && ok ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
		if (i < relay->n && ok)
			ok = fd[i] >= 0 && setsockopt(fd[i], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
			     bind(fd[i], (struct sockaddr *)&a, sizeof a) == 0;
	}
	return ok;
}

static void close_doors(const int fd[REPLICAS_MAX])
{
	for (uint32_t i = 0; i < REPLICAS_MAX; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static int open_doors(const int fd[REPLICAS_MAX])
{
	int error = uv_loop_init(&r.loop);
	for (uint32_t i = 0; i < r.is.n && error == 0; i++) {
		error = uv_tcp_init(&r.loop, &r.door[i]);
		error = error ? error : uv_tcp_open(&r.door[i], fd[i]);
		error = error ? error : uv_listen((uv_stream_t *)&r.door[i], DOOR_BACKLOG, on_knock);
	}
	return error;
}

static int passes_on(const int fd[REPLICAS_MAX])
{
	r.clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r.clock_fd < 0 || open_doors(fd) != 0 || uv_poll_init(&r.loop, &r.clock, r.clock_fd) != 0 || uv_poll_start(&r.clock, UV_READABLE, on_clock) != 0)
		return 1;
	uv_run(&r.loop, UV_RUN_DEFAULT);
	return 0;
}

pid_t relay_start(const struct relay *relay)
{
	int fd[REPLICAS_MAX];
	bool bound = bind_doors(relay, fd);
	pid_t parent = getpid(), pid = bound ? fork() : -1;
	if (pid != 0) {
		int e = errno;
		close_doors(fd);
		errno = e;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	r.is = *relay;
	r.rng = relay->seed;
	make_roads();
	_exit(passes_on(fd));
}
