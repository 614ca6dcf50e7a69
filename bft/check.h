/* bft/check.h - facts that are ours to guarantee, checked in release builds too. A peer can never make one fail: what peers say is judged, not checked. */
#ifndef BFT_CHECK_H
#define BFT_CHECK_H

/* A broken fact ends the process by a trap: the core dump shows which one. A library prints nothing. */
void bft_check_failed(const char *file, int line, const char *fact) __attribute__((noreturn));

#define BFT_CHECK(fact) ((fact) ? (void)0 : bft_check_failed(__FILE__, __LINE__, #fact))
#endif
