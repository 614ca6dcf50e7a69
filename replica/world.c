/* What the driver does to the world: links, the log's thread, the folder, clocks. */
#include "replica/epochs_file.h"
#include "replica/evidence_file.h"
#include "replica/running.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool send_member(struct quorate *q, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct net_peer *peer = q->net && (q->linked & BFT_BIT(member)) ? net_member_peer(q->net, member) : NULL;
	return peer && net_send(peer, class, head, head_n, body, body_n);
}

static bool env_send(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct quorate *q = running_of(user);
	return q->shim ? q->shim->to_member(q->shim->user, q, member, class, head, head_n, body, body_n)
	               : send_member(q, member, class, head, head_n, body, body_n);
}

static struct client_place *place_of(struct quorate *q, driver_link link)
{
	struct client_place *p = &q->clients[link % q->clients_count];
	return p->peer && p->generation == link ? p : NULL;
}

static bool send_client(struct quorate *q, uint64_t link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct client_place *p = place_of(q, link);
	return p && net_send(p->peer, NET_REQUESTS, head, head_n, body, body_n);
}

static bool env_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct quorate *q = running_of(user);
	return q->shim ? q->shim->to_client(q->shim->user, q, link, head, head_n, body, body_n) : send_client(q, link, head, head_n, body, body_n);
}

void replica_set_shim(struct quorate *q, const struct replica_shim *shim)
{
	q->shim = shim;
}

bool replica_send_member(struct quorate *q, uint8_t member, int class, const void *bytes, size_t n)
{
	return send_member(q, member, (enum net_class) class, bytes, n, NULL, 0);
}

bool replica_send_client(struct quorate *q, uint64_t link, const void *bytes, size_t n)
{
	return send_client(q, link, bytes, n, NULL, 0);
}

static void env_close_member(void *user, uint8_t member, const char *why)
{
	struct quorate *q = running_of(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	if (peer)
		net_peer_close(peer, why);
}

static void env_close_client(void *user, driver_link link, const char *why)
{
	struct client_place *p = place_of(running_of(user), link);
	if (p)
		net_peer_close(p->peer, why);
}

static enum log_result env_append(void *user, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                  struct log_position *at)
{
	struct quorate *q = running_of(user);
	return q->writer ? log_writer_queue(q->writer, type, flags, lsn, seq, pieces, count, at) : LOG_ERR_FAILED;
}

static void env_flush(void *user)
{
	struct quorate *q = running_of(user);
	if (q->writer)
		log_writer_kick(q->writer);
}

static void env_truncate_below(void *user, uint64_t lsn)
{
	struct quorate *q = running_of(user);
	if (q->writer)
		log_writer_truncate_below(q->writer, lsn);
}

static enum log_result env_read(void *user, const struct log_position *at, void *out, size_t capacity, struct log_record *record)
{
	return log_read(running_of(user)->folder.log, at, out, capacity, record);
}

static struct state *env_transfer_open(void *user)
{
	return folder_transfer_open(&running_of(user)->folder);
}

static struct state *env_transfer_install(void *user)
{
	return folder_transfer_install(&running_of(user)->folder);
}

static uint64_t env_memory_lost(void *user)
{
	return folder_memory_lost(&running_of(user)->folder);
}

static bool env_readmitted(void *user)
{
	return folder_readmitted(&running_of(user)->folder);
}

static uint64_t env_rtt_us(void *user, uint8_t member)
{
	struct quorate *q = running_of(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	return peer ? net_peer_rtt_us(peer) : 0;
}

static bool env_evidence(void *user, const uint8_t *bytes, size_t n, const char *name)
{
	struct quorate *q = running_of(user);
	char line[256] = "";
	enum evidence_kept kept = evidence_file_keep(q->options.data, name, bytes, n);
	switch (kept) {
	case EVIDENCE_KEPT: snprintf(line, sizeof line, "evidence/%s is kept: 'quorate evidence verify' shows that it holds", name); break;
	case EVIDENCE_KNOWN: return true;
	case EVIDENCE_FULL: snprintf(line, sizeof line, "evidence/%s is not kept: there are %u files already", name, EVIDENCE_FILES_MAX); break;
	case EVIDENCE_FAILED: snprintf(line, sizeof line, "evidence/%s is not kept: %s", name, strerror(errno)); break;
	}
	running_note(q, QUORATE_LEVEL_WARNING, line);
	return kept != EVIDENCE_FAILED;
}

static size_t env_evidence_next(void *user, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity)
{
	struct quorate *q = running_of(user);
	return evidence_file_next(q->options.data, after, name, bytes, capacity);
}

static bool env_secret(void *user, const struct public_key *key, struct secret_key *out)
{
	return identity_secret(&running_of(user)->options, key, out);
}

static void env_keys_changed(void *user)
{
	running_of(user)->keys_changed = true;
}

static void env_keep_link(void *user, const uint8_t *bytes, size_t n)
{
	struct quorate *q = running_of(user);
	char line[160];
	if (epochs_file_append(q->options.data, bytes, n))
		return;
	snprintf(line, sizeof line, "a link of the chain of epochs could not be kept: %s; the others have it", strerror(errno));
	running_note(q, QUORATE_LEVEL_WARNING, line);
}

static bool env_send_chain(void *user, uint8_t member, const void *frame, size_t n)
{
	struct quorate *q = running_of(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	return peer && net_send(peer, NET_STATUS, frame, n, NULL, 0);
}

void world_wake(void *user)
{
	uv_async_send(&running_of(user)->async);
}

struct driver_env world_of(struct quorate *q)
{
	return (struct driver_env){ q,
		                    env_send,
		                    env_send_client,
		                    env_close_member,
		                    env_close_client,
		                    env_append,
		                    env_flush,
		                    env_truncate_below,
		                    env_read,
		                    env_transfer_open,
		                    env_transfer_install,
		                    env_memory_lost,
		                    env_readmitted,
		                    running_note,
		                    world_wake,
		                    env_evidence,
		                    env_evidence_next,
		                    env_rtt_us,
		                    env_secret,
		                    env_keys_changed,
		                    env_keep_link,
		                    env_send_chain };
}
