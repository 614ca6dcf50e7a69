/* replica/shim.h - for a program that puts something between a replica and its links: the bench's liars. Not part of the public interface, and not exported by
 * the shared library; what such a program does stands in bench/malice/, never here. */
#ifndef REPLICA_SHIM_H
#define REPLICA_SHIM_H
#include "quorate.h"

struct replica_shim {
	void *user;
	/* One frame that the replica wants to send (head, then body). It goes out by replica_send_member, as often as the shim likes. */
	bool (*to_member)(void *user, struct quorate *q, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n);
	bool (*to_client)(void *user, struct quorate *q, uint64_t link, const void *head, size_t head_n, const void *body, size_t body_n);
};

/* Before quorate_start; the shim is borrowed for the replica's life. */
void replica_set_shim(struct quorate *q, const struct replica_shim *shim);
/* Threads: the engine's, within the shim's calls. */
bool replica_send_member(struct quorate *q, uint8_t member, int class, const void *bytes, size_t n);
bool replica_send_client(struct quorate *q, uint64_t link, const void *bytes, size_t n);
#endif
