/* A cluster on one machine, made by the same functions that organizations use among themselves. */
#include "quorate_setup.h"
#include "replica/setup_file.h"

#include "bft/types.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct path {
	char text[SETUP_PATH_BYTES];
};

struct testnet {
	const char *dir;
	uint32_t replicas;
	enum quorate_mode mode;
	uint16_t base_port;
	char *reason;
	struct path cards[BFT_MEMBERS_MAX];
};

/* The folder was measured before, so every path in it fits. */
static const char *path_of(struct path *out, const struct testnet *t, const char *name)
{
	snprintf(out->text, sizeof out->text, "%s/%s", t->dir, name);
	return out->text;
}

static const char *replica_path(struct path *out, const struct testnet *t, uint32_t i, const char *name)
{
	snprintf(out->text, sizeof out->text, "%s/replica-%u%s%s", t->dir, i, *name ? "/" : "", name);
	return out->text;
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return false;
	const struct dirent *entry;
	bool empty = true;
	while (empty && (entry = readdir(d)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(d);
	return empty;
}

static enum quorate_error make_folder(const char *path, mode_t mode, bool may_exist, char *reason)
{
	if (mkdir(path, mode) == 0)
		return QUORATE_OK;
	if (errno != EEXIST)
		return setup_fail(reason, QUORATE_FAILED, path, strerror(errno));
	return may_exist && is_empty(path) ? QUORATE_OK : setup_fail(reason, QUORATE_CONFIG, path, "it exists and is not an empty folder");
}

static enum quorate_error make_keys(struct testnet *t, uint32_t i, char *reason)
{
	static const char *const names[] = { "org.key", "member.key", "tls.key" };
	struct path p;
	char hex[QUORATE_HEX_BYTES];
	enum quorate_error error = QUORATE_OK;
	for (size_t k = 0; k < 3 && error == QUORATE_OK; k++)
		error = quorate_key_new(replica_path(&p, t, i, names[k]), NULL, hex, reason);
	return error;
}

/* Members are numbered by the order of bytes of their organizations' names: with zeros in front that is the order of numbers. */
static enum quorate_error make_card(struct testnet *t, uint32_t i, char *reason)
{
	struct path org, member, tls;
	char name[16], address[32];
	const char *const addresses[] = { address };
	snprintf(name, sizeof name, "org-%02u", i);
	snprintf(address, sizeof address, "127.0.0.1:%u", t->base_port + i);
	struct quorate_card_options o = {
		.org = name,
		.org_key = replica_path(&org, t, i, "org.key"),
		.member_key = replica_path(&member, t, i, "member.key"),
		.tls_key = replica_path(&tls, t, i, "tls.key"),
		.addresses = addresses,
		.addresses_count = 1,
		.out = replica_path(&t->cards[i], t, i, "card"),
	};
	return quorate_card_new(&o, reason);
}

static enum quorate_error write_text(const char *path, const char *text, char *reason)
{
	return setup_write(path, text, strlen(text), reason);
}

static enum quorate_error make_config(struct testnet *t, uint32_t i, char *reason)
{
	struct path p;
	char text[512];
	snprintf(text, sizeof text,
	         "genesis: ../genesis\n"
	         "member_key: member.key\n"
	         "tls_key: tls.key\n"
	         "data: data\n"
	         "listen: 127.0.0.1:%u\n"
	         "durability: flush\n",
	         t->base_port + i);
	return write_text(replica_path(&p, t, i, "replica.yaml"), text, reason);
}

static enum quorate_error format(struct testnet *t, uint32_t i, char *reason)
{
	struct path genesis, member, tls, data;
	struct quorate_options o = {
		.genesis = path_of(&genesis, t, "genesis"),
		.member_key = replica_path(&member, t, i, "member.key"),
		.tls_key = replica_path(&tls, t, i, "tls.key"),
		.data = replica_path(&data, t, i, "data"),
	};
	return quorate_format(&o, reason);
}

static enum quorate_error make_replica(struct testnet *t, uint32_t i, char *reason)
{
	struct path p;
	enum quorate_error error = make_folder(replica_path(&p, t, i, ""), 0700, false, reason);
	if (error == QUORATE_OK)
		error = make_keys(t, i, reason);
	if (error == QUORATE_OK)
		error = make_card(t, i, reason);
	if (error == QUORATE_OK)
		error = make_config(t, i, reason);
	return error;
}

static enum quorate_error make_genesis(struct testnet *t)
{
	struct path p;
	char hex[QUORATE_HEX_BYTES];
	const char *cards[BFT_MEMBERS_MAX];
	for (uint32_t i = 0; i < t->replicas; i++)
		cards[i] = t->cards[i].text;
	return quorate_genesis_build(cards, t->replicas, t->mode, path_of(&p, t, "genesis"), hex, t->reason);
}

static enum quorate_error make_client(struct testnet *t)
{
	struct path p;
	char hex[QUORATE_HEX_BYTES];
	enum quorate_error error = quorate_key_new(path_of(&p, t, "client.key"), NULL, hex, t->reason);
	if (error != QUORATE_OK)
		return error;
	return write_text(path_of(&p, t, "client.yaml"), "genesis: genesis\nkey: client.key\n", t->reason);
}

/* ---- several at once: what each takes is mostly waiting for the disk ---- */

#define TOGETHER 8u

struct part {
	struct testnet *t;
	enum quorate_error (*make)(struct testnet *t, uint32_t i, char *reason);
	uint32_t i;
	enum quorate_error error;
	char reason[QUORATE_REASON_BYTES];
	pthread_t thread;
	bool started;
};

static void *make_part(void *arg)
{
	struct part *x = arg;
	x->error = x->make(x->t, x->i, x->reason);
	return NULL;
}

static enum quorate_error make_each(struct testnet *t, enum quorate_error (*make)(struct testnet *t, uint32_t i, char *reason))
{
	enum quorate_error error = QUORATE_OK;
	for (uint32_t from = 0; from < t->replicas && error == QUORATE_OK; from += TOGETHER) {
		struct part part[TOGETHER] = { 0 };
		uint32_t count = t->replicas - from < TOGETHER ? t->replicas - from : TOGETHER;
		for (uint32_t k = 0; k < count; k++) {
			part[k].t = t;
			part[k].make = make;
			part[k].i = from + k;
			part[k].started = pthread_create(&part[k].thread, NULL, make_part, &part[k]) == 0;
			if (!part[k].started)
				make_part(&part[k]);
		}
		for (uint32_t k = 0; k < count; k++) {
			if (part[k].started)
				pthread_join(part[k].thread, NULL);
			if (error == QUORATE_OK && part[k].error != QUORATE_OK) {
				error = part[k].error;
				if (t->reason)
					snprintf(t->reason, QUORATE_REASON_BYTES, "%s", part[k].reason);
			}
		}
	}
	return error;
}

static enum quorate_error make_all(struct testnet *t)
{
	enum quorate_error error = make_folder(t->dir, 0755, true, t->reason);
	if (error == QUORATE_OK)
		error = make_each(t, make_replica);
	if (error == QUORATE_OK)
		error = make_genesis(t);
	if (error == QUORATE_OK)
		error = make_each(t, format);
	/* Last, so that who finds it finds all. */
	return error == QUORATE_OK ? make_client(t) : error;
}

enum quorate_error quorate_testnet(const char *dir, uint32_t replicas, enum quorate_mode mode, uint16_t base_port, char *reason)
{
	if (!dir || !*dir)
		return setup_fail(reason, QUORATE_USAGE, "testnet", "no folder is named");
	if (strlen(dir) > SETUP_PATH_BYTES / 2)
		return setup_fail(reason, QUORATE_USAGE, "testnet", "the folder's path is too long");
	if (mode == QUORATE_TRUSTED ? replicas < 1 : replicas < 4)
		return setup_fail(reason, QUORATE_USAGE, "testnet", "a cluster has at least 4 replicas, or one in trusted mode");
	if (replicas > BFT_MEMBERS_MAX)
		return setup_fail(reason, QUORATE_USAGE, "testnet", "a cluster has at most 64 replicas");
	if (base_port == 0 || base_port + replicas - 1 > 65535)
		return setup_fail(reason, QUORATE_USAGE, "testnet", "the ports from the base port on must lie between 1 and 65535");
	struct testnet *t = calloc(1, sizeof *t);
	if (!t)
		return setup_fail(reason, QUORATE_FAILED, "testnet", "no memory");
	t->dir = dir;
	t->replicas = replicas;
	t->mode = mode;
	t->base_port = base_port;
	t->reason = reason;
	enum quorate_error error = make_all(t);
	free(t);
	return error;
}
