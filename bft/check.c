#include "bft/check.h"

void bft_check_failed(const char *file, int line, const char *fact)
{
	/* The debugger and the core dump show the arguments; a library prints nothing. */
	(void)file;
	(void)line;
	(void)fact;
	__builtin_trap();
}
