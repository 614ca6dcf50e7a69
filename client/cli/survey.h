/* client/cli/survey.h - what every replica says of itself, asked at once; and one ordered request beside it. */
#ifndef CLIENT_CLI_SURVEY_H
#define CLIENT_CLI_SURVEY_H
#include "cluster.h"

#include <pthread.h>

#define SURVEY_MEMBERS_MAX 64u

struct row {
	bool reachable, heard; /* heard: at any time during this command */
	struct quorate_report report;
};

/* Answers come on the client's thread. */
struct survey {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t members; /* one above the highest number */
	uint32_t asked;   /* how many of them there are    */
	uint32_t open;
	struct row row[SURVEY_MEMBERS_MAX];
	/* the ordered request */
	bool answered;
	enum quorate_error error;
	uint64_t seq, value; /* value: of a request whose answer is a number */
	char reason[QUORATE_REASON_BYTES];
};

/* The first argument, as the number of a replica. False after saying that it is none. */
bool survey_member(const struct cli *cli, uint32_t *id);
/* The highest epoch in which f+1 replicas are that answered last, or beyond: one of them is honest. 0: none answered. */
uint64_t survey_epoch(const struct survey *s);

/* Whether the cluster has that replica, as far as the client knows: after survey_ask. CLI_OK, or a code after saying that it has not. */
int survey_has(const struct cluster *c, uint32_t id);

void survey_init(struct survey *s);
void survey_end(struct survey *s);
/* Each answers or is given up in time. */
int survey_ask(struct survey *s, struct cluster *c, uint32_t timeout_ms);
/* Hears the ordered request's answer: a quorate_answer_fn. */
void survey_answer(void *user, const struct quorate_answer *answer);
enum quorate_error survey_wait_answer(struct survey *s);

uint64_t cli_now_ms(void);
void cli_sleep_ms(uint32_t ms);
#endif
