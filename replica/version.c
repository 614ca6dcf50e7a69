#include "quorate.h"

const char *quorate_version(void)
{
	return "0.1.0";
}

const char *quorate_error_text(enum quorate_error error)
{
	switch (error) {
	case QUORATE_OK: return "done";
	case QUORATE_FAILED: return "it failed";
	case QUORATE_USAGE: return "it was called wrongly";
	case QUORATE_CONFIG: return "what was configured cannot be used";
	case QUORATE_UNREACHABLE: return "too few replicas answer";
	case QUORATE_UNKNOWN: return "no answer came in time, and whether it was executed is unknown";
	case QUORATE_PRECONDITION: return "what was expected is not so, and nothing was changed";
	case QUORATE_VERIFICATION: return "a signature, digest or proof is wrong";
	case QUORATE_SAFETY: return "replicas contradict one another";
	case QUORATE_REFUSED: return "it was refused and not executed";
	}
	return "an error that this version does not know";
}
