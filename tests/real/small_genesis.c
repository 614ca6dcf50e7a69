/* small_genesis FILE: the same cluster with small limits, in place: checkpoints, snapshots and the cutting of the log come every few operations, so that a short
 * run has them. The file's cluster is another one afterwards: format comes next. */
#include "bft/genesis.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static struct bft_genesis g;
	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (!f)
		return 2;
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	const char *why = genesis_decode(&g, bytes, n);
	if (!why) {
		g.limits.checkpoint_every = 4;
		g.limits.window = 16;
		g.limits.snapshot_seqs = 16;
		g.limits.proposal_bytes_max = 512u << 10;
		why = genesis_fields_check(&g);
	}
	if (why) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	n = genesis_encode(bytes, sizeof bytes, &g);
	f = fopen(argv[1], "wb");
	return f && n && fwrite(bytes, 1, n, f) == n && fclose(f) == 0 ? 0 : 1;
}
