/* tests/unit/unit.h - what every test program is made of: a table of cases and one call from main. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct unit_case {
	const char *name;
	void (*run)(void);
};

/* Runs every case of the table, which ends with a case without name, and prints "suite: N passed, M failed" as the last line, counting cases.
 *
 * Returns 0 only when at least one case ran and none failed: main returns it. */
int unit_main(const char *suite, const struct unit_case *cases);
#endif
