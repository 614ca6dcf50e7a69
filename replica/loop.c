/* The loop of a running replica: callbacks bring something, and after the sockets the driver has its turn. */
#include "replica/running.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t running_mono_ms(void)
{
	return uv_hrtime() / 1000000u + 1;
}

uint64_t running_wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void running_wake(struct quorate *q)
{
	q->dirty = true;
	driver_time(q->driver, running_mono_ms(), running_wall_ms());
}

static void publish(struct quorate *q)
{
	struct standing s;
	driver_standing(q->driver, &s);
	uv_mutex_lock(&q->lock);
	q->standing = (struct quorate_standing){
		.role = (enum quorate_role)s.role,
		.id = q->identity->self,
		.epoch = s.epoch,
		.view = s.view,
		.leader = s.leader,
		.incarnation = s.incarnation,
		.damaged_from = s.damaged_from,
		.damaged_to = s.damaged_to,
		.changing = s.flags & 1,
		.executed = s.executed,
		.stable = s.stable,
		.snapshot = s.snapshot,
		.time_ms = s.time_ms,
		.failed = driver_failed(q->driver),
	};
	memcpy(q->standing.chain, s.chain.b, DIGEST_BYTES);
	memcpy(q->standing.state_digest, s.root.b, DIGEST_BYTES);
	snprintf(q->standing.trouble, sizeof q->standing.trouble, "%s", s.trouble);
	uv_mutex_unlock(&q->lock);
}

static void on_idle(uv_idle_t *handle)
{
	(void)handle; /* its being active keeps the loop from sleeping */
}

static void on_timer(uv_timer_t *handle);

void running_turn(struct quorate *q)
{
	if (q->phase != PHASE_RUNNING)
		return;
	q->dirty = false;
	bool more = driver_turn(q->driver);
	if (q->keys_changed) {
		peers_follow_keys(q);
		more = true;
	}
	if (more && !q->idling)
		uv_idle_start(&q->idle, on_idle);
	if (!more && q->idling)
		uv_idle_stop(&q->idle);
	q->idling = more;
	q->dirty = more;
	uint64_t at = driver_deadline(q->driver), now = running_mono_ms();
	uv_timer_start(&q->timer, on_timer, at == UINT64_MAX ? 1000 : at > now ? at - now : 1, 0);
	publish(q);
}

static void on_check(uv_check_t *handle)
{
	struct quorate *q = running_of(handle->data);
	if (q->dirty)
		running_turn(q);
}

static void on_timer(uv_timer_t *handle)
{
	struct quorate *q = running_of(handle->data);
	if (q->phase != PHASE_RUNNING)
		return;
	uv_update_time(q->loop);
	running_wake(q);
	running_turn(q);
}

static void log_news(struct quorate *q)
{
	struct log_writer_state s = log_writer_state(q->writer);
	driver_durable(q->driver, s.durable_lsn);
	driver_space(q->driver, DRIVER_DISK_LOG, s.low_space);
	if (s.failed && q->log_ok) {
		q->log_ok = false;
		driver_fail(q->driver, "the disk refused a write or a flush of the log");
	}
}

static void on_async(uv_async_t *handle)
{
	struct quorate *q = running_of(handle->data);
	uv_mutex_lock(&q->lock);
	bool stop = q->wanted == WANT_STOP;
	uv_mutex_unlock(&q->lock);
	if (q->phase == PHASE_RUNNING) {
		running_wake(q);
		log_news(q);
	}
	if (stop && q->own_thread)
		running_stop(q);
}

void loop_open_handles(struct quorate *q)
{
	uv_check_init(q->loop, &q->check);
	uv_idle_init(q->loop, &q->idle);
	uv_timer_init(q->loop, &q->timer);
	uv_async_init(q->loop, &q->async, on_async);
	q->check.data = q->idle.data = q->timer.data = q->async.data = q;
	q->handles_open = 4;
}

void loop_begin(struct quorate *q)
{
	uv_check_start(&q->check, on_check);
}
