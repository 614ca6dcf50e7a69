/* client/cli/load_state.h - how far a load came, kept in a small file so that a later run goes on there.
 *
 * Bundle number k of the file goes to lane k % lanes, as request k / lanes + 1 of that lane's session. A run that begins again sends what is not known to be done
 * under the same numbers, with the same bytes: what was executed before is answered from the session and not executed again. That holds while the file lags less
 * than the session's window behind, which the load sees to. */
#ifndef CLIENT_CLI_LOAD_STATE_H
#define CLIENT_CLI_LOAD_STATE_H
#include "cli.h"

#define LOAD_LANES_MAX 16u

struct load_state {
	char cluster[QUORATE_HEX_BYTES];
	uint64_t rows, bytes, digest; /* of the file of rows */
	uint32_t lanes, bundle_rows;
	uint64_t session[LOAD_LANES_MAX];
	uint64_t done[LOAD_LANES_MAX]; /* requests 1 to this one are done */
};

/* *found is false when there is no such file. CLI_OK, or a code after saying what is wrong. */
int load_state_read(struct load_state *out, bool *found, const char *path);
/* Replaces the file as a whole, flushed. False: errno says why. */
bool load_state_write(const struct load_state *s, const char *path);
#endif
