/* tests/rules/core_bed.h - one PBFT core on a bed: a test is everybody else.
 *
 * The test says what other members say and sees every effect. The bed keeps the driver's contract (bft/core.h): records have positions, own messages come back
 * through the door when the position that they wait for is durable, and a restart feeds the durable records. `durable`, `bodies` and `execute` say which
 * events the bed answers by itself. The other members are honest or not as the test likes: every message is authentic, as admission would have made it. */
#ifndef TESTS_RULES_CORE_BED_H
#define TESTS_RULES_CORE_BED_H
#include "tests/rules/bed/seen.h"
#include "tests/rules/bed/starts.h"
#include "tests/rules/bed/stories.h"
#endif
