/* client/cli/load.h - rows on their way: lanes of bundles, each in a session of its own, until every row is known to be done.
 *
 * The client's thread notes what came of a bundle; this command's thread reads rows, sends, asks again, and keeps how far it came. */
#ifndef CLIENT_CLI_LOAD_H
#define CLIENT_CLI_LOAD_H
#include "cluster.h"
#include "load_rows.h"
#include "load_state.h"
#include "load_stats.h"

#include <pthread.h>

/* Numbers that a lane may be ahead of what the progress file says: far below any session window, so that a later run may send them again. */
#define LOAD_SLOTS 48u
#define LOAD_FLYING_MAX 16u               /* bundles of one lane                                  */
#define LOAD_BYTES_MAX ((size_t)32 << 20) /* of all bundles that are not done                     */

enum slot_state {
	SLOT_FREE,
	SLOT_FLYING,
	SLOT_DONE,
	SLOT_UNKNOWN, /* no answer in time: it is asked for again                   */
	SLOT_UNSENT,  /* nobody was there to take it: its lane begins again with it */
};

struct lane;
struct slot {
	struct lane *lane;
	enum slot_state state;
	uint64_t number;
	struct row_bundle rows;
	bool counted; /* done once; it may fly again when its lane begins again */
	uint64_t began_us;
};

struct lane {
	struct load *load;
	struct quorate_session *session;
	uint64_t done, saved; /* requests 1 to this one are done; and the file says so */
	uint64_t next;        /* the number of the next new bundle                     */
	uint32_t flying;
	bool stalled;                 /* numbers do not match any more: begins again when nothing is flying */
	struct slot slot[LOAD_SLOTS]; /* by number */
};

struct load {
	struct cluster *cluster;
	struct rows *rows;
	struct load_state state;
	const char *path; /* of the progress file */
	uint32_t give_up_ms;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t changed;
	struct lane lane[LOAD_LANES_MAX];
	uint64_t done_rows, resumed_rows, open_bundles;
	size_t bytes;         /* of bundles that are not done */
	uint64_t progress_us; /* when something was done last */
	struct load_stats stats;
	int code; /* not CLI_OK: it cannot go on  */
	char why[2 * QUORATE_REASON_BYTES];
	/* this command's thread alone */
	uint64_t saved_us, began_us, ended_us;
	void (*look)(struct load *load); /* about ten times a second, and once at the end */
};

uint64_t load_now_us(void);
/* Loads every row that load->state does not call done. CLI_OK, or a code after saying why. */
int load_run(struct load *load, bool resumed);
#endif
