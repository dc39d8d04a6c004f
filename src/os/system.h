// What the files of this room share: a failed system call told as an error.
#ifndef ROADMILL_OS_SYSTEM_H
#define ROADMILL_OS_SYSTEM_H

#include "roadmill/base.h"

// Reads errno: ENOENT is RML_ERR_MISSING, EEXIST is RML_ERR_EXISTS, the rest RML_ERR_IO.
rml_status rml_system_fail(rml_error *err, const char *path, const char *doing);

// Makes a rename or link durable: syncs the folder that holds path. Best effort.
void rml_system_sync_folder_of(const char *path);

#endif
