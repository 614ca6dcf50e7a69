#include "bench/numbers.h"

#include <math.h>

json_t *number_json(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

json_t *interval_json(const struct estimate *e, double times)
{
	return isfinite(e->low) && isfinite(e->high) ? json_pack("[f,f]", e->low * times, e->high * times) : json_null();
}

json_t *seconds_json(double s)
{
	return s >= 0 ? json_real(s) : json_null();
}
