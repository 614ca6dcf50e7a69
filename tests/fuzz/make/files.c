/* tests/fuzz/make/files.c - see make.h: what stands on the disk and at the beginning of a link. */
#include "crypto/keyfile.h"
#include "net/hello.h"
#include "quorate_setup.h"
#include "replica/log/superblock.h"
#include "tests/fuzz/make/make.h"
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/replica_bed.h"

static void files(void)
{
	static const char replica_yaml[] =
		"genesis: ../genesis\nmember_key: member.key\ntls_key: tls.key\ndata: data\nlisten: 127.0.0.1:7000\ndurability: flush\nverifiers: 0\n";
	static const char client_yaml[] = "genesis: genesis\nkey: client.key\ntimeout: 10s\n";
	static const char wrong_yaml[] = "genesys: [a]\nverifiers: many\n\"listen\": *x\n";
	static const uint8_t one[] = { 1, 6, 10, 0, 120, 1, 3, 0, 200, 2, 9, 0, 1, 1, 0, 0, 16, 4, 1, 2, 3, 4 };
	static const uint8_t cut[] = { 2, 8, 100, 0, 120, 1, 100, 0, 100, 0, 100, 0, 100, 128, 100, 0, 100, 0, 1, 0, 32, 1, 0 };
	static const uint8_t gone[] = { 4, 8, 250, 0, 250, 1, 250, 0, 250, 0, 250, 0, 250, 0, 250, 0, 250, 0, 1, 0, 32, 1, 0 };
	static const uint8_t whole[] = { 0, 12, 0, 0, 1, 0, 2, 0, 3, 0, 255, 0, 255, 0, 255, 0, 4, 128, 5, 0, 6, 0, 255, 0, 7, 0 };
	plain("fuzz_config", "replica", replica_yaml, sizeof replica_yaml - 1);
	plain("fuzz_config", "client", client_yaml, sizeof client_yaml - 1);
	plain("fuzz_config", "wrong", wrong_yaml, sizeof wrong_yaml - 1);
	plain("fuzz_log", "one-change", one, sizeof one);
	plain("fuzz_log", "cut", cut, sizeof cut);
	plain("fuzz_log", "segment-gone", gone, sizeof gone);
	plain("fuzz_log", "whole", whole, sizeof whole);
}

static void queues(void)
{
	static const uint8_t mixed[] = { 0, 10, 0, 2, 0, 200, 1, 50, 0, 128, 0, 0, 2, 255, 127, 3, 1, 0, 128, 0, 0, 128, 0, 0, 4, 0, 64 };
	uint8_t stream[600], *at = stream + 1;
	stream[0] = 6;
	for (uint8_t kind = 0; kind < FRAME_KINDS; kind++) {
		uint8_t payload[40] = { 1, kind };
		size_t n = 8u + kind;
		at += frame_put_head(at, (enum frame_kind)kind, n);
		memcpy(at, payload, n);
		at += n;
	}
	plain("fuzz_queue", "mixed", mixed, sizeof mixed);
	plain("fuzz_pieces", "every-kind", stream, (size_t)(at - stream));
}

static void hello(const struct cluster_bed *cluster)
{
	uint8_t out[HELLO_BYTES], exporter[TLS_EXPORTER_BYTES] = { 7 };
	struct hello h = {
		.wire_version = HELLO_WIRE_VERSION, .role = 1, .mode = 1, .cluster = cluster->cluster, .key = cluster->client_key, .incarnation = 5
	};
	hello_write(out, &h, exporter, HELLO_FROM_OPENER, &bed_scheme, &cluster->client_secret);
	plain("fuzz_hello", "hello", out, sizeof out);
}

static size_t slurp(const char *path, uint8_t *out, size_t capacity)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		abort();
	size_t n = fread(out, 1, capacity, f);
	fclose(f);
	return n;
}

static void members(void)
{
	static struct bft_genesis g;
	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	char text[BFT_CARD_TEXT_BYTES_MAX], path[96];
	uint8_t seed[32] = { 0 };
	struct secret_key sk;
	struct public_key pk;
	g.mode = BFT_MODE_BFT;
	g.count = 4;
	snprintf(g.scheme, sizeof g.scheme, "fuzz");
	genesis_limits_default(&g.limits);
	for (uint8_t i = 0; i < 4; i++) {
		struct bft_card *c = &g.cards[i];
		snprintf(c->org, sizeof c->org, "org-%u", i);
		c->addresses_count = 1;
		snprintf(c->addresses[0], sizeof c->addresses[0], "127.0.0.1:%u", 7000u + i);
		memset(c->org_key.b, 10 + i, 32);
		memset(c->member_key.b, 20 + i, 32);
		memset(c->tls_key.b, 30 + i, 32);
	}
	plain("fuzz_genesis", "four", bytes, genesis_encode(bytes, sizeof bytes, &g));
	struct wr w = wr_of(bytes, sizeof bytes);
	card_write(&w, &g.cards[0]);
	sample("fuzz_card", "binary", 0, bytes, wr_done(&w), 1);
	sample("fuzz_card", "text", 1, text, card_format(text, sizeof text, &g.cards[0]), 1);
	fuzz_path(path, sizeof path, "corpus-key");
	sign_ed25519.keypair(&pk, &sk, seed);
	unlink(path);
	if (keyfile_write(path, &sk, NULL) != KEYFILE_OK)
		abort();
	plain("fuzz_keyfile", "clear", bytes, slurp(path, bytes, sizeof bytes));
	unlink(path);
}

/* Runs of bytes that are not zero: see fuzz_superblock.c. */
static void superblock(const struct cluster_bed *cluster)
{
	uint8_t out[SAMPLE_MAX], slot[160] = "qr/superb";
	struct wr s = wr_of(slot + 16, sizeof slot - 16), w = wr_of(out, sizeof out);
	wr_u32(&s, SUPERBLOCK_VERSION);
	wr_u32(&s, 0);
	wr_u64(&s, 5);
	wr_bytes(&s, cluster->cluster.b, 32);
	wr_bytes(&s, cluster->client_key.b, 32);
	wr_u8(&s, 1);
	wr_u8(&s, 1);
	wr_u16(&s, 0);
	wr_u8(&w, 3);
	for (uint16_t at = 0; at <= SUPERBLOCK_SLOT_BYTES; at = (uint16_t)(at + SUPERBLOCK_SLOT_BYTES)) {
		wr_u16(&w, at);
		wr_u8(&w, (uint8_t)(16 + wr_done(&s)));
		wr_bytes(&w, slot, 16 + wr_done(&s));
	}
	plain("fuzz_superblock", "two-slots", out, wr_done(&w));
}

void make_files(const struct cluster_bed *cluster)
{
	files();
	queues();
	hello(cluster);
	members();
	superblock(cluster);
}
