/* So many in a second for each key. */
#include "replica/allowance.h"
#include "tests/unit/unit.h"

static struct allowance a;

static struct public_key key_of(uint32_t i)
{
	return (struct public_key){ .b = { (uint8_t)i, (uint8_t)(i >> 8), 1 } };
}

static void so_many_in_a_second(void)
{
	struct public_key one = key_of(1), two = key_of(2);
	a = (struct allowance){ 0 };
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_TRUE(allowance_spend(&a, &one, 1999, 3));
	CU_ASSERT_FALSE(allowance_spend(&a, &one, 1999, 3));
	CU_ASSERT_TRUE(allowance_spend(&a, &two, 1999, 3)); /* each its own */
	CU_ASSERT_TRUE(allowance_spend(&a, &one, 2000, 3));
}

/* More keys than there are places: none is refused for another's sake. */
static void a_crowd_refuses_nobody(void)
{
	a = (struct allowance){ 0 };
	for (uint32_t round = 0; round < 4; round++)
		for (uint32_t i = 1; i < 4 * ALLOWANCE_SETS * ALLOWANCE_WAYS; i++) {
			struct public_key key = key_of(i);
			CU_ASSERT_TRUE(allowance_spend(&a, &key, 5000 + i, 4));
		}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "so many in a second", so_many_in_a_second },
		{ "a crowd refuses nobody", a_crowd_refuses_nobody },
		{ 0 },
	};
	return unit_main("allowance", cases);
}
