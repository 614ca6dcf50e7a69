#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>

static int cannot_start(const char *suite)
{
	fprintf(stderr, "%s: CUnit cannot start: %s\n", suite, CU_get_error_msg());
	return 1;
}

static CU_ErrorCode register_cases(CU_pSuite suite, const struct unit_case *cases)
{
	for (const struct unit_case *c = cases; c->name; c++) {
		if (!CU_add_test(suite, c->name, c->run))
			return CU_get_error();
	}
	return CUE_SUCCESS;
}

int unit_main(const char *suite, const struct unit_case *cases)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return cannot_start(suite);
	CU_pSuite s = CU_add_suite(suite, NULL, NULL);
	if (!s || register_cases(s, cases) != CUE_SUCCESS)
		return cannot_start(suite);

	/* CU_basic_run_tests returns 0 when checks failed, too: only the counts tell. */
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_ErrorCode ran = CU_basic_run_tests();
	unsigned run = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();
	bool good = ran == CUE_SUCCESS && run > 0 && failed == 0 && CU_get_number_of_failures() == 0;
	CU_cleanup_registry();
	printf("%s: %u passed, %u failed\n", suite, run - failed, failed);
	return good ? 0 : 1;
}
