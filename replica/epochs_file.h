/* replica/epochs_file.h - DATA/epochs: the links of the chain of epochs, one behind another from the second epoch on (bft/epoch_link.h). It may be lost: the others
 * have it. Whoever verifies offline takes it from any replica, and need not believe that one. */
#ifndef REPLICA_EPOCHS_FILE_H
#define REPLICA_EPOCHS_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EPOCHS_FILE_BYTES_MAX ((size_t)16 << 20)

/* All of it, up to the limit; no file is an empty one. Ownership: free(*bytes). False: it cannot be read. */
bool epochs_file_read(const char *data, uint8_t **bytes, size_t *n);
/* What stands behind the first `n` bytes was torn, or is damaged: it goes. */
bool epochs_file_cut(const char *data, size_t n);
/* What the file `from` holds becomes the chain, where there is none. False: errno says why. */
bool epochs_file_copy(const char *data, const char *from);
/* Behind what is there, flushed. False: errno says why. */
bool epochs_file_append(const char *data, const uint8_t *bytes, size_t n);
#endif
